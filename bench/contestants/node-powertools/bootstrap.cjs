// The loop of the Lambda runtime API and nothing else: the official client for Node compiles curl from source at install
// time, so this stands in for it. One kept-alive connection; the function is loaded before the first `next`.
'use strict';

const http = require('node:http');
const { handler } = require(require('node:path').resolve(process.argv[2]));

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, agent, method, path: `/2018-06-01/runtime/${path}` }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

function contextOf(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  return {
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

async function serve() {
  for (;;) {
    const invocation = await call('GET', 'invocation/next');
    const id = invocation.headers['lambda-runtime-aws-request-id'];
    try {
      const answer = await handler(JSON.parse(invocation.body), contextOf(invocation.headers));
      await call('POST', `invocation/${id}/response`, JSON.stringify(answer));
    } catch (error) {
      const body = JSON.stringify({ errorType: error.name, errorMessage: error.message });
      await call('POST', `invocation/${id}/error`, body);
    }
  }
}

serve().catch((error) => {
  console.error(error);
  process.exit(1);
});

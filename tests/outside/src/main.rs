//! The outside services as a process: prints its address, and runs until its standard input ends.

use std::io::{Read, Write};

use onecommit_outside::Outside;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    writeln!(std::io::stdout(), "{address}")?;
    std::io::stdout().flush()?;
    // Whoever started it holds its input: no process outlives its test.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    axum::serve(listener, Outside::new().router()).await
}

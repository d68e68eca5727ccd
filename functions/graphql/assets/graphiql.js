"use strict";

const form = document.querySelector("form");
const answer = document.getElementById("answer");
const value = (id) => document.getElementById(id).value;

const ask = async () => {
  const headers = { "content-type": "application/json", accept: "application/graphql-response+json" };
  const token = value("token").trim();
  if (token) headers.authorization = `Bearer ${token}`;
  const variables = value("variables").trim();
  const request = { query: value("query"), ...(variables && { variables: JSON.parse(variables) }) };
  const response = await fetch("graphql", { method: "POST", headers, body: JSON.stringify(request) });
  return JSON.stringify(await response.json(), null, 2);
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  answer.textContent = "…";
  try {
    answer.textContent = await ask();
  } catch (error) {
    answer.textContent = String(error);
  }
});

form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

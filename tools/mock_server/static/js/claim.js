// The page that a claim's verification URL leads to: a person approves or denies it.

import { decide } from "./api.js";

const code = decodeURIComponent(location.pathname.split("/").at(-1));
const choice = document.getElementById("choice");
const outcome = document.getElementById("outcome");

document.getElementById("code").textContent = code;
choice.addEventListener("click", async ({ target }) => {
  const { decision } = target.dataset;
  if (decision === undefined) return;
  try {
    outcome.textContent = `The claim is ${(await decide(code, decision)).status}.`;
    choice.hidden = true;
  } catch (error) {
    outcome.textContent = error.message;
  }
});

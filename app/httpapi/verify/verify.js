// The page: fetches the proof, the rules and the list of this raffle, has them checked and shows each
// step. Addresses follow from where the page is: …/v2/raffles/{id}/draw/verify.

import { verify } from "./steps.js";
import { readProof } from "./protocol.js";
import { languages, fill } from "./texts.js";

const here = location.pathname.replace(/\/verify\/?$/, "");
const base = here.replace(/\/v2\/raffles\/[^/]+\/draw$/, "");
const by = (id) => document.getElementById(id);

let language = localLanguage();
let shown = { steps: [], verdict: null, fault: "", proof: null };
let run = 0;

function localLanguage() {
  const asked = location.hash.slice(1);
  if (asked in languages) return asked;
  return navigator.language.toLowerCase().startsWith("es") ? "es" : "en";
}

// NotDrawn says that there is nothing to check yet, which is no fault.
class NotDrawn extends Error {}

async function get(path, needed = true) {
  const answer = await fetch(path, { headers: { Accept: "*/*" }, cache: "no-cache" });
  if (!answer.ok) {
    if (!needed) return null;
    const problem = await answer.json().catch(() => null);
    if (problem?.code === "not_drawn") throw new NotDrawn();
    throw new Error(`${path.split("/").slice(-2).join("/")}: HTTP ${answer.status}`);
  }
  return new Uint8Array(await answer.arrayBuffer());
}

const json = (bytes) => (bytes === null ? null : JSON.parse(new TextDecoder().decode(bytes)));

async function receiptFile() {
  const file = by("receipt").files[0];
  return file ? file.text() : null;
}

async function collect() {
  const [proof, rules, entries, keys] = await Promise.all([
    get(here), get(`${here}/rules`, false), get(`${here}/entries.csv`), get(`${base}/.well-known/rifa-keys.json`, false),
  ]);
  const bundle = readProof(new TextDecoder().decode(proof));
  const id = here.split("/").at(-2);
  if (bundle.raffle_id !== id.toLowerCase()) throw new Error(`raffle ${bundle.raffle_id}`);
  return {
    proof: bundle, rules, entries, keys: json(keys), receipt: await receiptFile(),
    witness: by("witness").value.trim().toLowerCase(), lottery: by("lottery").value.trim(),
  };
}

async function check() {
  const mine = ++run;
  shown = { steps: [], verdict: null, fault: "", proof: null };
  draw();
  try {
    const evidence = await collect();
    if (mine !== run) return;
    shown.proof = evidence.proof;
    draw();
    const verdict = await verify(evidence, (step) => {
      if (mine !== run) return;
      shown.steps.push(step);
      draw();
    });
    if (mine === run) shown.verdict = verdict;
  } catch (fault) {
    if (mine === run) Object.assign(shown, { verdict: fault instanceof NotDrawn ? "none" : "failed", fault: fault.message });
  }
  if (mine === run) draw();
}

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function list(drawn, names = []) {
  const t = languages[language];
  return drawn.map((w) => {
    const prize = fill(t.prize, { prize: w.prize + 1 }) + (names[w.prize] ? ` (${names[w.prize]})` : "");
    const place = w.alternate === 0 ? prize : `${prize}, ${fill(t.alternate, w)}`;
    return `${place}: ${fill(t.number, w)}`;
  }).join("\n");
}

function sentence({ text, values }) {
  const t = languages[language], spoken = { ...values };
  if (Array.isArray(values.winners)) spoken.winners = list(values.winners, values.names);
  if (Array.isArray(values.stated)) spoken.stated = list(values.stated);
  if (values.exclude) spoken.exclude = t[values.exclude];
  return fill(t.text[text], spoken);
}

function stepItem(step) {
  const t = languages[language];
  const item = element("li", step.status, "");
  item.dataset.step = step.id;
  item.dataset.status = step.status;
  const head = element("div", "head", "");
  head.append(element("h3", "", t.title[step.id] ?? step.id), element("span", "badge", t.status[step.status]));
  item.append(head, element("p", "detail", sentence(step)));
  return item;
}

function draw() {
  const t = languages[language];
  document.documentElement.lang = language;
  document.title = `${t.page.title} · RifaApp`;
  for (const e of document.querySelectorAll("[data-text]")) e.textContent = t.page[e.dataset.text];
  Object.assign(by("other"), { textContent: t.page.other, lang: t.page.otherLanguage, href: `#${t.page.otherLanguage}` });
  by("how").href = `${base}/verify/draw.${language}.html`;
  by("raffle").textContent = shown.proof?.raffle_id ?? "…";
  by("method").textContent = shown.proof?.method ?? "…";
  by("warning").hidden = shown.proof?.method !== "commit_reveal";
  by("lottery-label").hidden = shown.proof?.method !== "lottery";
  by("steps").replaceChildren(...shown.steps.map(stepItem));
  const verdict = by("verdict");
  verdict.className = `verdict ${shown.verdict ?? "working"}`;
  for (const e of document.querySelectorAll("[data-drawn]")) e.hidden = shown.verdict === "none";
  verdict.dataset.verdict = shown.verdict ?? "";
  by("verdict-text").textContent = shown.verdict ? fill(t.verdict[conclusion()], shown) : t.page.working;
}

// conclusion is which sentence the verdict is: nothing says how many winners there must be where no rules came.
const conclusion = () => (shown.verdict === "ok" && shown.steps.some((step) => step.text === "leastrules") ? "unruled" : shown.verdict);

by("again").addEventListener("click", check);
by("receipt").addEventListener("change", check);
window.addEventListener("hashchange", () => {
  language = localLanguage();
  draw();
});
check();

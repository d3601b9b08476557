// The protocol rifa/v1, computed again in the browser: notation, rules, list, seal, picks, lotteries.

import { sha256, hmac, concat } from "./sha256.js";

export const CHAIN_HASH = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971";
const GENESIS = 1692803367, PERIOD = 3, MARGIN = 60;
const encoder = new TextEncoder();

// Notation

export const toHex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

// fromHex reads lower-case hexadecimal digits, of a certain length when one is given.
export function fromHex(text, length) {
  if (typeof text !== "string" || !/^([0-9a-f]{2})*$/.test(text) || (length !== undefined && text.length !== 2 * length)) {
    throw new Error(`not ${length ?? "a run of"} bytes in hexadecimal`);
  }
  return Uint8Array.from(text.match(/../g) ?? [], (h) => parseInt(h, 16));
}

export function u64(value) {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(value));
  return new Uint8Array(view.buffer);
}

function u32(value) {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, value);
  return new Uint8Array(view.buffer);
}

// TH is SHA-256(tag ‖ 0x00 ‖ for each field: u32(length) ‖ field), in hexadecimal.
export function TH(tag, ...fields) {
  return toHex(sha256(concat(encoder.encode(tag), [0], ...fields.flatMap((f) => [u32(f.length), f]))));
}

export const uuid = (text) => fromHex(String(text).replaceAll("-", ""), 16);

const TIME = /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

// instant reads an RFC 3339 time with or without fractions; NaN when it is anything else. Date.parse alone takes
// 30 February for 2 March, and cuts what is smaller than a millisecond.
export function instant(text) {
  const [, day, fraction = ""] = (typeof text === "string" && TIME.exec(text)) || [];
  return isDate(day) ? Date.parse(text.replace(fraction, "")) / 1000 + Number(fraction) : NaN;
}

// seconds reads an RFC 3339 time in whole seconds; NaN when it is anything else.
export function seconds(text) {
  const at = instant(text);
  return Number.isInteger(at) ? at : NaN;
}

export const roundTime = (round) => GENESIS + PERIOD * (round - 1);

// sealRound is the first round with T(round) ≥ max(sealed_at + 60, notBefore).
export function sealRound(sealedAt, notBefore) {
  return Math.max(0, Math.ceil((Math.max(sealedAt + MARGIN, notBefore ?? 0) - GENESIS) / PERIOD)) + 1;
}

export const beaconRef = (round) => CHAIN_HASH + toHex(u64(round));

// beaconPath is where every public drand endpoint serves the round; empty for 0, which is none.
export const beaconPath = (round) => (round === 0 ? "" : `/${CHAIN_HASH}/public/${round}`);

// The proof

// parse reads JSON as strictly as the offline verifier does: no object names a member twice, where one reader would
// keep the first and another the last, and no name has capitals or letters that are not ASCII. A number that is not
// spelled as a whole one becomes a text, which nothing takes for a number.
export function parse(text) {
  JSON.parse(text); // from here on it is valid JSON
  const open = []; // the names of each object that has begun, null for a list
  return JSON.parse(text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"(?=(\s*:)?)|[{}[\]]|-?\d[\d.eE+-]*/g, (token, colon) => {
    if (token === "{" || token === "[") open.push(token === "{" ? new Set() : null);
    if (token === "}" || token === "]") open.pop();
    if (open.length > 10000) throw new Error("too deep");
    if (colon !== undefined) addName(open.at(-1), JSON.parse(token));
    return /^-?\d+[.eE]/.test(token) ? `"${token}"` : token;
  }));
}

function addName(names, name) {
  if (names.has(name)) throw new Error(`"${name}" appears twice`);
  if (/[^\0-\x7f]|[A-Z]/.test(name)) throw new Error(`"${name}" is not known here`);
  names.add(name);
}

const isText = (v) => typeof v === "string";
const isBytes = (v) => isText(v) && /^([0-9a-f]{2})*$/.test(v);
const isHash = (v) => isBytes(v) && v.length === 64;
const isWhole = (v) => Number.isSafeInteger(v);
const isTime = (v) => !Number.isNaN(instant(v));
const listOf = (shape) => (v) => Array.isArray(v) && v.every((one) => one !== null && fits(one, shape));

const PROOF = {
  raffle_id: isText, protocol: isText, method: isText, rules: isText, rules_hash: isHash, commitment: isHash, secret: isBytes, n: isWhole,
  root: isHash, sealed_at: isTime, ref: isBytes, seal: isHash, round: (v) => isWhole(v) && v >= 0, signature: isBytes, draw_key: isHash,
  lottery_outcome: isText, winning_number: isWhole, beacon_path: isText, available_at: isTime, drawn_at: isTime,
  winners: listOf({ prize: isWhole, alternate: isWhole, number: isWhole, owner: isHash }),
  lottery_results: listOf({
    digits: isText, suspended: (v) => typeof v === "boolean", draw_number: isText, date: isText, source_url: isText, evidence_sha256: isHash,
  }),
};

// fits throws when a member that is there is not what the shape says; null is as good as none.
function fits(object, shape) {
  for (const [name, is] of Object.entries(shape)) {
    if ((object[name] ?? null) !== null && !is(object[name])) throw new Error(`${name}: ${JSON.stringify(object[name]).slice(0, 80)}`);
  }
  return true;
}

// readProof reads a bundle. What is missing or null in it is the empty text, 0 or no winner.
export function readProof(text) {
  const proof = parse(text);
  if (proof?.protocol !== "rifa/v1") throw new Error(`protocol ${proof?.protocol}`);
  fits(proof, PROOF);
  const fill = (object, names, value) => names.forEach((name) => (object[name] ??= value));
  fill(proof, ["secret", "ref", "signature"], "");
  fill(proof, ["n", "round"], 0);
  proof.winners ??= [];
  if ("beacon_path" in proof) proof.beacon_path ??= "";
  for (const winner of proof.winners) fill(winner, ["prize", "alternate", "number"], 0);
  for (const result of proof.lottery_results ?? []) fill(result, ["digits", "draw_number", "date", "source_url"], "");
  return proof;
}

const VOID_SEALS = listOf({ seal: isText, round: (v) => isWhole(v) && v >= 0, sealed_at: isTime, void_at: isTime });

// voidSeal is what the record says of a seal that it calls void; undefined when it says nothing.
export function voidSeal(proof, seal) {
  try {
    return VOID_SEALS(proof.void_seals) ? proof.void_seals.find((v) => v.seal === seal) : undefined;
  } catch {
    return undefined;
  }
}

// Rules

// members lists what a JSON object's names are spelled with, exactly; a name may appear once.
function members(text) {
  JSON.parse(text); // from here on it is valid JSON
  const found = new Map();
  let depth = 0, start = -1, name;
  for (let at = 0; at < text.length; at++) {
    const c = text[at];
    if (c === '"') {
      const from = at;
      for (at++; text[at] !== '"'; at++) if (text[at] === "\\") at++;
      if (depth === 1 && start < 0) name = JSON.parse(text.slice(from, at + 1));
    } else if (depth === 1 && c === ":") {
      start = at + 1;
    } else if (depth === 1 && (c === "," || c === "}") && start >= 0) {
      if (found.has(name)) throw new Error(`"${name}" appears twice`);
      found.set(name, text.slice(start, at).trim());
      start = -1;
    }
    if (c === "{" || c === "[") depth++;
    if (c === "}" || c === "]") depth--;
  }
  return found;
}

// exactly checks that an object has these members and, but for the optional ones, all of them.
function exactly(text, required, optional = []) {
  if (!text.trim().startsWith("{")) throw new Error("not an object");
  const found = members(text);
  for (const name of required) if (!found.has(name)) throw new Error(`"${name}" is missing`);
  for (const name of found.keys()) {
    if (!required.includes(name) && !optional.includes(name)) throw new Error(`"${name}" is not known here`);
  }
  return found;
}

function whole(raw, low, high) {
  if (!/^(0|[1-9]\d*)$/.test(raw) || Number(raw) < low || Number(raw) > high) throw new Error(`${raw} is out of range`);
  return Number(raw);
}

function oneOf(value, ...allowed) {
  if (!allowed.includes(value)) throw new Error(`"${value}" is not known here`);
  return value;
}

// parseRules reads a rules document as strictly as the offline verifier does.
export function parseRules(text) {
  const top = exactly(text, ["v", "method", "numbers", "prizes", "alternates", "exclude", "draw_at"], ["prize_names", "lottery"]);
  if (top.get("v") !== "1") throw new Error("another version");
  const numbers = exactly(top.get("numbers"), ["start", "total"], ["padding"]);
  const rules = {
    method: oneOf(JSON.parse(top.get("method")), "beacon", "commit_reveal", "lottery"),
    start: whole(numbers.get("start"), 0, Number.MAX_SAFE_INTEGER),
    total: whole(numbers.get("total"), 1, 100000),
    prizes: whole(top.get("prizes"), 1, 100),
    alternates: whole(top.get("alternates"), 0, 100),
    exclude: oneOf(JSON.parse(top.get("exclude")), "ticket", "participant"),
    names: JSON.parse(top.get("prize_names") ?? "null"),
    drawAt: null,
    block: top.get("lottery"),
  };
  const drawAt = JSON.parse(top.get("draw_at"));
  if (drawAt !== null) {
    rules.drawAt = seconds(drawAt);
    if (!(rules.drawAt >= YEAR_2000)) throw new Error("draw_at is no time in whole seconds");
  }
  const padding = numbers.get("padding") ?? "null";
  if (padding !== "null") whole(padding, 1, 6);
  rules.names ??= Array.from({ length: rules.prizes }, () => "");
  if (!Array.isArray(rules.names) || rules.names.length !== rules.prizes || !rules.names.every((name) => name === "" || isLabel(name))) {
    throw new Error("prize_names does not name each prize");
  }
  if ((rules.block !== undefined) !== (rules.method === "lottery")) throw new Error("a lottery block goes with method lottery");
  if (rules.block !== undefined) rules.lottery = parseLottery(rules);
  return rules;
}

const YEAR_2000 = Date.UTC(2000) / 1000;

// isLabel says whether something is a text of 1 to 120 characters without control characters.
const isLabel = (v) => isText(v) && v !== "" && [...v].length <= 120 && !/[\0-\x1f\x7f]/.test(v);

function parseLottery(rules) {
  const found = exactly(rules.block, ["name", "draws_at", "time_zone", "prize", "take", "digits", "on_unsold", "on_suspended"]);
  const lottery = JSON.parse(rules.block);
  lottery.digits = whole(found.get("digits"), 1, 6);
  lottery.at = seconds(lottery.draws_at);
  if (![lottery.name, lottery.prize, lottery.time_zone].every(isLabel) || /[ \\]/.test(lottery.time_zone)) {
    throw new Error("the lottery block has a text that is none");
  }
  if (Number.isNaN(lottery.at) || lottery.draws_at < "2000" || rules.prizes !== 1 || rules.alternates !== 0 || rules.total > 10 ** lottery.digits) {
    throw new Error("the lottery block does not fit the rules");
  }
  oneOf(lottery.take, "first", "last");
  oneOf(lottery.on_unsold, "repeat_next_draw", "nearest_up_wrap", "beacon_among_sold", "void");
  oneOf(lottery.on_suspended, "next_draw", "beacon_among_sold", "void");
  return lottery;
}

export const blockHash = (rules) => toHex(sha256(encoder.encode(rules.block)));

// rulesRound is the quicknet round the rules fix for a seal, 0 where they ask for none.
export function rulesRound(rules, sealedAt) {
  if (rules.method === "beacon") return sealRound(sealedAt, rules.drawAt);
  const needs = rules.lottery && (rules.lottery.on_unsold === "beacon_among_sold" || rules.lottery.on_suspended === "beacon_among_sold");
  return needs ? sealRound(sealedAt, rules.lottery.at) : 0;
}

// The list

// parseEntries reads entries.csv into [{number, owner}], ascending, each number once.
export function parseEntries(text) {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  if (lines.at(-1) === "") lines.pop();
  if (lines.shift() !== "number,owner") throw new Error("the first line must be number,owner");
  if (lines.length === 0 || lines.length > 100000) throw new Error(`${lines.length} lines`);
  let last = -1;
  return lines.map((line, i) => {
    const match = /^(0|[1-9]\d{0,14}),([0-9a-f]{64})$/.exec(line);
    if (!match || Number(match[1]) <= last) throw new Error(`line ${i + 2}`);
    last = Number(match[1]);
    return { number: last, owner: match[2] };
  });
}

// listRoot is the root of the RFC 6962 tree over the leaves of the list. pause is awaited now and then.
export async function listRoot(entries, pause) {
  const tag = encoder.encode("rifa/v1/leaf");
  const frame = concat(tag, [0], u32(8), u64(0), u32(8), u64(0), u32(32), new Uint8Array(32));
  const view = new DataView(frame.buffer);
  const at = tag.length + 5;
  let level = [];
  for (const [i, entry] of entries.entries()) {
    view.setBigUint64(at, BigInt(i));
    view.setBigUint64(at + 12, BigInt(entry.number));
    frame.set(fromHex(entry.owner), at + 24);
    level.push(sha256(concat([0], sha256(frame))));
    if (i % 5000 === 4999) await pause();
  }
  while (level.length > 1) {
    const next = [];
    for (let i = 0; i + 1 < level.length; i += 2) next.push(sha256(concat([1], level[i], level[i + 1])));
    if (level.length % 2 === 1) next.push(level.at(-1));
    level = next;
    await pause();
  }
  return toHex(level[0]);
}

// The draw

// pick is the index below m: the first x of k = 0, 1, … below floor(2^64/m)·m, modulo m.
function pick(key, prize, alternate, m) {
  const size = BigInt(m), limit = (2n ** 64n / size) * size;
  for (let k = 0; ; k++) {
    const mac = hmac(key, concat(encoder.encode("rifa/v1/pick"), [0], u32(prize), u32(alternate), u32(k)));
    const x = new DataView(mac.buffer).getBigUint64(0);
    if (x < limit) return Number(x % size);
  }
}

// winners draws all prizes, then the alternates of each prize in turn, until nobody is left. pause is awaited
// now and then.
export async function winners(key, entries, prizes, alternates, exclude, pause) {
  const pool = newPool(entries, exclude), bytes = fromHex(key);
  const drawn = [];
  const take = async (prize, alternate) => {
    if (pool.left() === 0) return;
    const { number, owner } = entries[pool.take(pick(bytes, prize, alternate, pool.left()))];
    drawn.push({ prize, alternate, number, owner });
    if (drawn.length % 500 === 0) await pause();
  };
  for (let p = 0; p < prizes; p++) await take(p, 0);
  for (let p = 0; p < prizes; p++) for (let a = 1; a <= alternates; a++) await take(p, a);
  return drawn;
}

// newPool keeps which entries are left in a Fenwick tree: to find the i-th of them and to take it out are few
// steps, where thousands of picks from 100 000 entries would be too many for a list.
function newPool(entries, exclude) {
  const sums = Int32Array.from({ length: entries.length + 1 }, (_, i) => i & -i);
  const owned = new Map();
  if (exclude === "participant") entries.forEach(({ owner }, i) => (owned.has(owner) ? owned.get(owner).push(i) : owned.set(owner, [i])));
  let left = entries.length;
  const remove = (at) => {
    left--;
    for (let i = at + 1; i < sums.length; i += i & -i) sums[i]--;
  };
  const find = (index) => {
    let at = 0;
    for (let step = 1 << 17; step > 0; step >>= 1) { // 2^17 is more than any list has
      if (at + step < sums.length && sums[at + step] <= index) index -= sums[at += step];
    }
    return at;
  };
  const take = (index) => {
    const at = find(index);
    for (const i of owned.get(entries[at].owner) ?? [at]) remove(i);
    return at;
  };
  return { left: () => left, take };
}

export const sameWinners = (a, b) => a.length === b.length &&
  a.every((w, i) => ["prize", "alternate", "number", "owner"].every((member) => w[member] === b[i]?.[member]));

// Lotteries

// byDraw gathers what was entered for each draw number, corrections last, in the order of the first entries.
function byDraw(results) {
  const draws = new Map();
  for (const r of results) {
    if (!draws.has(r.draw_number)) draws.set(r.draw_number, []);
    draws.get(r.draw_number).push(r);
  }
  return [...draws.values()];
}

// currentResults applies the corrections: the last entry for a draw number counts, in the first's place.
export const currentResults = (results) => byDraw(results).map((entered) => entered.at(-1));

// decide applies the rules to the results in order: {outcome, entry, last}.
export function decide(rules, entries, results) {
  let verdict = { outcome: "unresolved", last: null };
  for (const last of currentResults(results)) {
    verdict = { ...resolve(rules, entries, last), last };
    if (verdict.outcome !== "next_draw") break;
  }
  return verdict;
}

// misdated is the first result that decides and is not of a draw the rules name: {date, day}. The day of the
// rules decides; a later one only after a draw on record that left the decision to the lottery's next draw.
// What was corrected cannot be at fault, and is such a reason where its own day is right.
export function misdated(rules, entries, results) {
  const day = rules.lottery.draws_at.slice(0, 10);
  let repeated = false;
  const right = ({ date }) => isDate(String(date)) && date >= day && (date === day || repeated);
  for (const entered of byDraw(results)) {
    const current = entered.pop();
    for (const r of entered) repeated ||= right(r) && readable(rules, r) && resolve(rules, entries, r).outcome === "next_draw";
    if (!right(current)) return { date: String(current.date), day };
    if (resolve(rules, entries, current).outcome !== "next_draw") break; // what comes after a decision decides nothing
    repeated = true;
  }
  return null;
}

function isDate(text) {
  const at = new Date(`${text}T00:00:00Z`);
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}

// readable says whether a result has what the rules read: nothing of a draw that was not held, else digits.
function readable({ lottery }, { suspended, digits }) {
  return suspended ? !digits : /^\d{1,12}$/.test(digits ?? "") && digits.length >= lottery.digits;
}

// deciding are the results that the outcome rests on: the last one that counted, and those before it that
// left the decision to another draw.
export function deciding(results, last) {
  const current = currentResults(results);
  return current.slice(0, current.findIndex((r) => r.draw_number === last.draw_number) + 1);
}

function resolve(rules, entries, result) {
  const { lottery } = rules;
  if (!readable(rules, result)) throw new Error(result.suspended ? "a suspended draw has no result" : "too few digits");
  if (result.suspended) {
    const outcome = { next_draw: "next_draw", beacon_among_sold: "beacon", void: "void" }[lottery.on_suspended];
    return { outcome };
  }
  const cut = lottery.take === "last" ? result.digits.slice(-lottery.digits) : result.digits.slice(0, lottery.digits);
  const modulus = 10 ** lottery.digits;
  const number = rules.start + ((((Number(cut) - rules.start) % modulus) + modulus) % modulus);
  const entry = entries.find((e) => e.number === number);
  if (entry) return { outcome: "winner", entry };
  switch (lottery.on_unsold) {
    case "repeat_next_draw": return { outcome: "next_draw" };
    case "beacon_among_sold": return { outcome: "beacon" };
    case "nearest_up_wrap": return { outcome: "winner", entry: entries.find((e) => e.number > number) ?? entries[0] };
  }
  return { outcome: "void" };
}

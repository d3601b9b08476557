// What the page checks, step by step. Each step is {id, status, text, values}: text names a sentence in
// texts.js, values fill it in. Nothing in the bundle is believed: every value is computed again.

import { sha256 } from "./sha256.js";
import { verifyRound } from "./bls.js";
import * as rifa from "./protocol.js";

const OK = "ok", WRONG = "wrong", UNKNOWN = "unknown", SKIPPED = "skipped";
const SUSPENDED = "suspended"; // stands for the result of a draw that the lottery did not hold

// verify runs all checks on evidence {proof, rules, entries, witness, receipt, keys, lottery} — rules and
// entries as bytes, what the reader has as text — and reports each step. It returns the verdict: ok, wrong or
// unknown. ok says nothing of how many winners there must be when a bundle of the least members has no rules.
export async function verify(evidence, report, pause = () => new Promise((done) => setTimeout(done))) {
  let verdict = OK;
  const state = { ...evidence, pause };
  const add = (id, status, text, values = {}) => {
    if (status === WRONG || (status === UNKNOWN && verdict === OK)) verdict = status;
    report({ id, status, text, values });
  };
  for (const check of [rules, commitment, entries, ref, seal, witness, draw, winning_number, times, receipt]) {
    try {
      await check(state, add);
    } catch (fault) {
      add(check.name, WRONG, "unreadable", { fault: fault.message });
    }
    await pause();
  }
  return verdict;
}

const compare = (add, id, computed, stated) =>
  computed === stated ? add(id, OK, "hash", { hash: computed }) : add(id, WRONG, "differs", { computed, stated });

const utf8 = (bytes) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);

// digest is WebCrypto's where the page runs over https, so that the small digests do not rest on our
// own code alone.
async function digest(bytes) {
  const own = rifa.toHex(sha256(bytes));
  if (!globalThis.crypto?.subtle) return own;
  const theirs = rifa.toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
  if (own !== theirs) throw new Error("this browser computes SHA-256 in two ways");
  return theirs;
}

// Every bundle has these members. The API's record has more, its rules among it: one without them was cut.
const LEAST = [
  "raffle_id", "protocol", "method", "rules_hash", "commitment", "secret", "n", "root", "sealed_at", "ref", "seal", "round", "signature", "winners",
];

async function rules(s, add) {
  const document = s.rules ?? (s.proof.rules ? new TextEncoder().encode(s.proof.rules) : null);
  s.unruled = !document && Object.keys(s.proof).every((member) => LEAST.includes(member));
  if (s.unruled) return add("rules", SKIPPED, "leastrules");
  if (!document) return add("rules", UNKNOWN, "norules");
  const hash = await digest(document);
  if (hash !== s.proof.rules_hash) return add("rules", WRONG, "differs", { computed: hash, stated: s.proof.rules_hash });
  if (s.proof.rules && s.proof.rules !== utf8(document)) return add("rules", WRONG, "tworules");
  try {
    s.parsed = rifa.parseRules(utf8(document));
  } catch (fault) {
    return add("rules", UNKNOWN, "otherrules", { fault: fault.message });
  }
  if (s.parsed.method !== s.proof.method) return add("rules", WRONG, "method", { computed: s.parsed.method, stated: s.proof.method });
  const { method, prizes, alternates, exclude } = s.parsed;
  add("rules", OK, "rules", { hash, method, prizes, alternates, exclude });
}

const drawn = (p) => p.winners?.length > 0 || !!p.signature || !!p.lottery_outcome || (p.method === "commit_reveal" && !!p.secret);

async function commitment(s, add) {
  const p = s.proof, secret = rifa.fromHex(p.secret ?? "");
  if (p.method === "commit_reveal" && secret.length !== 32) {
    return drawn(p) ? add("commitment", WRONG, "secretsize") : add("commitment", UNKNOWN, "unrevealed");
  }
  compare(add, "commitment", rifa.TH("rifa/v1/commit", rifa.uuid(p.raffle_id), rifa.fromHex(p.rules_hash, 32), secret), p.commitment);
}

async function entries(s, add) {
  const list = rifa.parseEntries(utf8(s.entries));
  if (list.length !== s.proof.n) return add("entries", WRONG, "count", { computed: list.length, stated: s.proof.n });
  const r = s.parsed;
  if (r && (list[0].number < r.start || list.at(-1).number >= r.start + r.total)) return add("entries", WRONG, "offboard");
  const root = await rifa.listRoot(list, s.pause);
  if (root !== s.proof.root) return add("entries", WRONG, "differs", { computed: root, stated: s.proof.root });
  s.list = list;
  add("entries", OK, "entries", { n: list.length, hash: root });
}

async function ref(s, add) {
  const p = s.proof, at = rifa.seconds(p.sealed_at), values = { at: p.sealed_at };
  if (Number.isNaN(at)) return add("ref", WRONG, "sealtime", values);
  const path = rifa.beaconPath(p.round ?? 0);
  if ("beacon_path" in p && p.beacon_path !== path) return add("ref", WRONG, "differs", { computed: path, stated: p.beacon_path });
  if (p.method === "commit_reveal") {
    if ((p.round ?? 0) !== 0 && p.ref !== rifa.beaconRef(p.round)) return add("ref", WRONG, "refnotempty");
    const good = p.ref === "" || p.ref === rifa.beaconRef(rifa.sealRound(at, null));
    return good ? add("ref", OK, "refsecret", values) : add("ref", WRONG, "refnotempty");
  }
  if (p.method === "beacon") {
    const round = rifa.sealRound(at, s.parsed?.drawAt);
    if (!Number.isSafeInteger(p.round) || p.round < round || (s.parsed && p.round !== round)) {
      return add("ref", WRONG, "round", { ...values, computed: round, stated: p.round });
    }
    if (p.ref !== rifa.beaconRef(p.round)) return add("ref", WRONG, "refround", { round: p.round });
    if (!s.parsed && !s.unruled) return add("ref", UNKNOWN, "needrules");
    return add("ref", OK, "refbeacon", { ...values, round: p.round, time: new Date(1000 * rifa.roundTime(p.round)).toISOString().replace(".000", "") });
  }
  if (p.method !== "lottery") return add("ref", UNKNOWN, "othermethod", { method: p.method });
  if (!s.parsed) return add("ref", UNKNOWN, "needrules");
  const { lottery } = s.parsed, block = rifa.blockHash(s.parsed), round = rifa.rulesRound(s.parsed, at);
  if (p.ref !== block) return add("ref", WRONG, "differs", { computed: block, stated: p.ref });
  if (at >= lottery.at) return add("ref", WRONG, "late", { ...values, lottery: lottery.draws_at });
  if ((p.round ?? 0) !== round) return add("ref", WRONG, "round", { ...values, computed: round, stated: p.round });
  add("ref", OK, "reflottery", { ...values, name: lottery.name, time: lottery.draws_at });
}

function sealOf(p) {
  const hash = (text) => rifa.fromHex(text, 32);
  return rifa.TH("rifa/v1/seal", rifa.uuid(p.raffle_id), hash(p.commitment), hash(p.rules_hash), rifa.u64(p.n),
    hash(p.root), rifa.u64(BigInt.asUintN(64, BigInt(rifa.seconds(p.sealed_at)))), rifa.fromHex(p.ref));
}

async function seal({ proof }, add) {
  compare(add, "seal", sealOf(proof), proof.seal);
}

async function witness(s, add) {
  if (!s.witness) return add("witness", SKIPPED, "nowitness");
  if (!/^[0-9a-f]{64}$/.test(s.witness)) return add("witness", UNKNOWN, "badwitness");
  const found = s.witness === s.proof.seal ? undefined : rifa.voidSeal(s.proof, s.witness);
  if (found) return voided(s, add, found);
  compare(add, "witness", s.witness, s.proof.seal);
}

// voided says what became of a seal that the record calls void. That it was void rightly, no proof shows, only when
// somebody saw it first: so it stays a seal that does not match.
function voided({ proof: p, witness: seen }, add, found) {
  const limit = rifa.roundTime(found.round) - 30; // a seal that is not stored by then is void
  let mine = p.method === "beacon";
  mine &&= Number.isInteger(rifa.instant(found.sealed_at)) && sealOf({ ...p, sealed_at: found.sealed_at, ref: rifa.beaconRef(found.round) }) === seen;
  let text = rifa.instant(found.void_at) < limit ? "voidearly" : "voidlate";
  if (!mine) text = "voidother";
  add("witness", WRONG, text, { computed: seen, stated: p.seal, at: found.void_at, limit: utc(limit), round: found.round });
}

async function draw(s, add) {
  const p = s.proof;
  if (p.method !== "lottery" && (p.lottery_results?.length > 0 || p.lottery_outcome)) add("lottery", WRONG, "nolottery", { method: p.method });
  if (!drawn(p)) return add("winners", UNKNOWN, "notdrawn");
  if (!s.list) return add("winners", UNKNOWN, "needlist");
  if (p.method === "lottery") return lottery(s, add);
  if (p.method === "commit_reveal") {
    unsigned(s, add);
    return picks(s, add, rifa.fromHex(p.secret), new Uint8Array(0));
  }
  if (p.method === "beacon") return beacon(s, add);
}

async function beacon(s, add) {
  const signature = rifa.fromHex(s.proof.signature ?? "");
  if (!verifyRound(s.proof.round, signature)) return add("signature", WRONG, "badsignature", { round: s.proof.round });
  const randomness = await digest(signature);
  add("signature", OK, "signature", { round: s.proof.round, hash: randomness });
  await s.pause();
  return picks(s, add, new Uint8Array(0), rifa.fromHex(randomness));
}

// unsigned refuses a signature where no round decides: it would pass for what did.
function unsigned(s, add) {
  if (s.proof.signature) add("signature", WRONG, "noround");
}

// drawKey compares D with the one in the proof, when it names one.
function drawKey(s, add, key) {
  if ("draw_key" in s.proof) compare(add, "draw_key", key, s.proof.draw_key ?? "null");
}

// picks draws again. Without the rules both ways to leave the list are tried, for as many prizes and
// alternates as the proof has: that may contradict the winners, and confirms no more than those.
async function picks(s, add, secret, randomness) {
  const p = s.proof, r = s.parsed, stated = p.winners ?? [];
  const key = rifa.TH("rifa/v1/draw", rifa.fromHex(p.seal, 32), secret, randomness);
  drawKey(s, add, key);
  const prizes = r?.prizes ?? Math.min(100, 1 + Math.max(...stated.map((w) => w.prize), 0));
  const alternates = r?.alternates ?? Math.min(100, Math.max(...stated.map((w) => w.alternate), 0));
  const ways = r ? [r.exclude] : ["ticket", "participant"];
  const drawings = [];
  for (const exclude of ways) drawings.push(await rifa.winners(key, s.list, prizes, alternates, exclude, s.pause));
  const match = drawings.find((d) => rifa.sameWinners(d, stated));
  if (!match) return add("winners", WRONG, "otherwinners", { winners: drawings[0], stated });
  if (!r && !s.unruled) return add("winners", UNKNOWN, "somewinners", { winners: match });
  add("winners", OK, "winners", { winners: match, names: r?.names });
}

async function lottery(s, add) {
  const p = s.proof;
  if (!s.parsed) return add("lottery", UNKNOWN, "needrules");
  const read = readings(s.lottery);
  const results = p.lottery_results?.length ? p.lottery_results : (read ?? []).map((digits, i) =>
    digits === SUSPENDED ? { suspended: true, draw_number: i } : { digits, draw_number: i });
  const wrong = rifa.misdated(s.parsed, s.list, p.lottery_results ?? []);
  if (wrong) return add("lottery", WRONG, "otherday", wrong);
  const { outcome, entry, last } = rifa.decide(s.parsed, s.list, results);
  if (outcome === "unresolved") return add("lottery", UNKNOWN, "noresult");
  if (outcome === "next_draw") return add("lottery", WRONG, "nextdraw");
  if ("lottery_outcome" in p && outcome !== p.lottery_outcome) return add("lottery", WRONG, "differs", { computed: outcome, stated: p.lottery_outcome });
  add("lottery", OK, "lottery", { digits: digitsOf(last), date: last.date ?? "", draw: last.draw_number ?? "", outcome });
  compareReadings(add, read, rifa.deciding(results, last));
  if (outcome === "beacon") return beacon(s, add);
  unsigned(s, add);
  drawKey(s, add, rifa.TH("rifa/v1/draw", rifa.fromHex(p.seal, 32), [], []));
  const want = entry ? [{ prize: 0, alternate: 0, number: entry.number, owner: entry.owner }] : [];
  if (!rifa.sameWinners(want, p.winners ?? [])) return add("winners", WRONG, "otherwinners", { winners: want, stated: p.winners ?? [] });
  add("winners", OK, want.length ? "winners" : "nobody", { winners: want, names: s.parsed.names });
}

const digitsOf = (result) => (result.suspended ? SUSPENDED : result.digits);

// readings are the lottery's results as the reader typed them, in order; undefined when they are none.
function readings(text) {
  if (text === "") return [];
  const read = text.split(",").map((r) => r.trim());
  return read.every((r) => r === SUSPENDED || /^\d+$/.test(r)) ? read : undefined;
}

// compareReadings holds the results in the proof against those that were read at the lottery. Nothing else
// shows that they are the lottery's: the proof has them from the organiser.
function compareReadings(add, read, results) {
  const digits = results.map(digitsOf), computed = (read ?? []).join(","), stated = digits.join(",");
  const draws = results.map((r) => `${r.date ?? ""} (${r.source_url ?? ""})`).join(", ");
  if (!read) return add("lottery_result", UNKNOWN, "badreading");
  if (read.length === 0) return add("lottery_result", UNKNOWN, "noreading", { draws });
  if (!read.every((r) => digits.includes(r)) || (read.length === digits.length && computed !== stated)) {
    return add("lottery_result", WRONG, "differs", { computed, stated });
  }
  if (computed !== stated) return add("lottery_result", UNKNOWN, "morereadings", { draws });
  add("lottery_result", OK, "hash", { hash: stated });
}

// winning_number holds the headline against the winners, which other steps check.
async function winning_number({ proof: p }, add) {
  if (!("winning_number" in p)) return;
  const want = p.winners?.[0]?.number ?? null;
  compare(add, "winning_number", String(want), String(p.winning_number));
}

// times holds available_at and drawn_at against what seal and rules fix. They are the operator's word for how
// much later than that it was.
async function times(s, add) {
  const p = s.proof, { from, exact } = earliest(s);
  if (!("available_at" in p) && !("drawn_at" in p)) return;
  const values = { from: utc(from), available: p.available_at ?? utc(from), drawn: p.drawn_at ?? "—" };
  const available = "available_at" in p ? rifa.instant(p.available_at) : from;
  if (!(available >= from) || (exact && available !== from)) return add("times", WRONG, "available", values);
  if ("drawn_at" in p && drawn(p) !== (p.drawn_at !== null)) return add("times", WRONG, "drawntime", values);
  const slack = p.method === "lottery" ? 1 : 0; // its record rounds the end of the objection window to a whole second
  if ("drawn_at" in p && p.drawn_at !== null && !(rifa.instant(p.drawn_at) >= available - slack)) return add("times", WRONG, "tooearly", values);
  add("times", OK, "times", values);
}

const utc = (seconds) => (Number.isFinite(seconds) ? new Date(1000 * seconds).toISOString().replace(".000", "") : "—");

// earliest is the first moment at which seal and rules allow the draw; exact says that it can be no other.
// Rules of commit_reveal without a date leave the organiser free to set one.
function earliest({ proof: p, parsed }) {
  const sealed = rifa.seconds(p.sealed_at);
  if (p.method === "beacon") return { from: rifa.roundTime(p.round), exact: true };
  if (!parsed) return { from: sealed, exact: false };
  if (p.method !== "lottery") return { from: Math.max(sealed, parsed.drawAt ?? sealed), exact: parsed.drawAt !== null };
  const end = parsed.lottery.at + (drawn(p) ? 24 * 3600 : 0); // no result can be entered before the official draw
  return { from: Math.max(end, parsed.drawAt ?? end), exact: false };
}

// receiptIn takes a receipt, or the one inside the saved answer of confirm; undefined when there is none.
function receiptIn(text) {
  try {
    const answer = rifa.parse(text), r = answer.receipt ?? answer;
    return "purchase_id" in r && "signature" in r ? r : undefined;
  } catch {
    return undefined;
  }
}

async function receipt(s, add) {
  if (s.receipt === null) return add("receipt", SKIPPED, "noreceipt");
  const r = receiptIn(s.receipt);
  if (!r) return add("receipt", UNKNOWN, "notareceipt");
  const signed = await receiptHolds(r);
  if (signed === false) return add("receipt", WRONG, "badreceipt");
  if (r.raffle_id !== s.proof.raffle_id || r.commitment !== s.proof.commitment) return add("receipt", WRONG, "otherraffle");
  if (s.keys && !publishedKey(s.keys, r)) return add("receipt", WRONG, "otherkey", { key: r.key_id });
  if (!s.list) return add("receipt", UNKNOWN, "needlist");
  for (const number of r.numbers) {
    const entry = s.list.find((e) => e.number === number);
    if (entry?.owner !== r.owner) return add("receipt", WRONG, entry ? "otherowner" : "leftout", { number });
  }
  if (signed === undefined) return add("receipt", UNKNOWN, "noed25519", { numbers: r.numbers.join(", ") });
  add("receipt", OK, s.keys ? "receipt" : "receiptkey", { numbers: r.numbers.join(", "), key: r.key_id });
}

const publishedKey = (keys, r) => (keys.keys ?? []).some((k) => k.crv === "Ed25519" && k.kid === r.key_id &&
  rifa.toHex(Uint8Array.from(atob(String(k.x).replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0))) === r.public_key);

// receiptHolds checks a receipt's signature; undefined when this browser has no Ed25519.
async function receiptHolds(r) {
  const at = rifa.seconds(r.issued_at), numbers = Array.isArray(r.numbers) ? r.numbers : [];
  const ascending = numbers.length > 0 && numbers.every((n, i) => Number.isSafeInteger(n) && n >= 0 && (i === 0 || n > numbers[i - 1]));
  if (r.protocol !== "rifa/v1" || Number.isNaN(at) || !ascending) return false;
  const key = rifa.fromHex(r.public_key, 32);
  if (rifa.toHex(sha256(key)).slice(0, 16) !== r.key_id) return false;
  const message = rifa.TH("rifa/v1/receipt", rifa.uuid(r.raffle_id), rifa.fromHex(r.commitment, 32), rifa.uuid(r.purchase_id),
    rifa.fromHex(r.owner, 32), ...numbers.map(rifa.u64), rifa.u64(BigInt.asUintN(64, BigInt(at))));
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  } catch {
    return undefined;
  }
  return crypto.subtle.verify("Ed25519", imported, rifa.fromHex(r.signature, 64), rifa.fromHex(message));
}

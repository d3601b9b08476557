// What the page checks, step by step. Each step is {id, status, text, values}: text names a sentence in
// texts.js, values fill it in. Nothing in the bundle is believed: every value is computed again.

import { sha256 } from "./sha256.js";
import { verifyRound } from "./bls.js";
import * as rifa from "./protocol.js";

const OK = "ok", WRONG = "wrong", UNKNOWN = "unknown", SKIPPED = "skipped";

// verify runs all checks on evidence {proof, rules, entries, witness, receipt, keys, lottery} — rules and
// entries as bytes — and reports each step. It returns the verdict: ok, wrong or unknown.
export async function verify(evidence, report, pause = () => new Promise((done) => setTimeout(done))) {
  let verdict = OK;
  const state = { ...evidence, pause };
  const add = (id, status, text, values = {}) => {
    if (status === WRONG || (status === UNKNOWN && verdict === OK)) verdict = status;
    report({ id, status, text, values });
  };
  for (const check of [rules, commitment, entries, ref, seal, witness, draw, receipt]) {
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

async function rules(s, add) {
  if (!s.rules) return add("rules", SKIPPED, "norules");
  const hash = await digest(s.rules);
  if (hash !== s.proof.rules_hash) return add("rules", WRONG, "differs", { computed: hash, stated: s.proof.rules_hash });
  if (s.proof.rules && s.proof.rules !== utf8(s.rules)) return add("rules", WRONG, "tworules");
  try {
    s.parsed = rifa.parseRules(utf8(s.rules));
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
  if (p.method === "commit_reveal") {
    const good = p.ref === "" || p.ref === rifa.beaconRef(rifa.sealRound(at, null));
    return good ? add("ref", OK, "refsecret", values) : add("ref", WRONG, "refnotempty");
  }
  if (p.method === "beacon") {
    const round = rifa.sealRound(at, s.parsed?.drawAt);
    if (!Number.isSafeInteger(p.round) || p.round < round || (s.parsed && p.round !== round)) {
      return add("ref", WRONG, "round", { ...values, computed: round, stated: p.round });
    }
    if (p.ref !== rifa.beaconRef(p.round)) return add("ref", WRONG, "refround", { round: p.round });
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

async function seal(s, add) {
  const p = s.proof, hash = (text) => rifa.fromHex(text, 32);
  compare(add, "seal", rifa.TH("rifa/v1/seal", rifa.uuid(p.raffle_id), hash(p.commitment), hash(p.rules_hash), rifa.u64(p.n),
    hash(p.root), rifa.u64(BigInt.asUintN(64, BigInt(rifa.seconds(p.sealed_at)))), rifa.fromHex(p.ref)), p.seal);
}

async function witness(s, add) {
  if (!s.witness) return add("witness", SKIPPED, "nowitness");
  if (!/^[0-9a-f]{64}$/.test(s.witness)) return add("witness", UNKNOWN, "badwitness");
  compare(add, "witness", s.witness, s.proof.seal);
}

async function draw(s, add) {
  const p = s.proof;
  if (!drawn(p)) return add("winners", UNKNOWN, "notdrawn");
  if (!s.list) return add("winners", UNKNOWN, "needlist");
  if (p.method === "lottery") return lottery(s, add);
  if (p.method === "commit_reveal") return picks(s, add, rifa.fromHex(p.secret), new Uint8Array(0));
  if (p.method === "beacon") return beacon(s, add);
}

async function beacon(s, add) {
  const signature = rifa.fromHex(s.proof.signature ?? "");
  if (!verifyRound(s.proof.round, signature)) return add("signature", WRONG, "badsignature", { round: s.proof.round });
  const randomness = await digest(signature);
  add("signature", OK, "signature", { round: s.proof.round, hash: randomness });
  await s.pause();
  picks(s, add, new Uint8Array(0), rifa.fromHex(randomness));
}

function picks(s, add, secret, randomness) {
  const p = s.proof, r = s.parsed, stated = p.winners ?? [];
  const key = rifa.TH("rifa/v1/draw", rifa.fromHex(p.seal, 32), secret, randomness);
  if (p.draw_key) compare(add, "draw_key", key, p.draw_key);
  const prizes = r?.prizes ?? Math.min(100, 1 + Math.max(...stated.map((w) => w.prize), 0));
  const alternates = r?.alternates ?? Math.min(100, Math.max(...stated.map((w) => w.alternate), 0));
  const ways = r ? [r.exclude] : ["ticket", "participant"];
  const drawings = ways.map((exclude) => rifa.winners(key, s.list, prizes, alternates, exclude));
  const match = drawings.find((d) => rifa.sameWinners(d, stated));
  if (!match) return add("winners", WRONG, "otherwinners", { winners: drawings[0], stated });
  add("winners", OK, "winners", { winners: match, names: r?.names ?? [] });
}

async function lottery(s, add) {
  const p = s.proof;
  if (!s.parsed) return add("lottery", UNKNOWN, "needrules");
  const results = p.lottery_results?.length ? p.lottery_results : s.lottery ? [{ digits: s.lottery }] : [];
  const wrong = rifa.misdated(s.parsed, s.list, p.lottery_results ?? []);
  if (wrong) return add("lottery", WRONG, "otherday", wrong);
  const { outcome, entry, last } = rifa.decide(s.parsed, s.list, results);
  if (outcome === "unresolved") return add("lottery", UNKNOWN, "noresult");
  if (outcome === "next_draw") return add("lottery", WRONG, "nextdraw");
  if (p.lottery_outcome && outcome !== p.lottery_outcome) return add("lottery", WRONG, "differs", { computed: outcome, stated: p.lottery_outcome });
  const digits = last.suspended ? "—" : last.digits;
  add("lottery", OK, "lottery", { digits, date: last.date ?? "", draw: last.draw_number ?? "", outcome });
  if (!s.lottery) add("lottery_result", SKIPPED, "noreading", { url: last.source_url ?? "" });
  else if (last.suspended || s.lottery !== last.digits) add("lottery_result", WRONG, "differs", { computed: s.lottery, stated: digits });
  else add("lottery_result", OK, "hash", { hash: digits });
  if (outcome === "beacon") return beacon(s, add);
  if (p.draw_key) compare(add, "draw_key", rifa.TH("rifa/v1/draw", rifa.fromHex(p.seal, 32), [], []), p.draw_key);
  const want = entry ? [{ prize: 0, alternate: 0, number: entry.number, owner: entry.owner }] : [];
  if (!rifa.sameWinners(want, p.winners ?? [])) return add("winners", WRONG, "otherwinners", { winners: want, stated: p.winners ?? [] });
  add("winners", OK, want.length ? "winners" : "nobody", { winners: want, names: s.parsed.names });
}

async function receipt(s, add) {
  const r = s.receipt;
  if (!r) return add("receipt", SKIPPED, "noreceipt");
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

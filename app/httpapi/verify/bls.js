// The signature check of drand's quicknet, scheme bls-unchained-g1-rfc9380: BLS signatures in G1 of
// BLS12-381, public key in G2, e(H(m), PK) = e(signature, G2), with m = SHA-256(u64 round). Everything
// here is public, so nothing needs constant time; whole numbers are BigInt. It takes well under a
// second. Tower of fields: Fp2 = Fp[i]/(i² + 1), Fp6 = Fp2[v]/(v³ − (1 + i)), Fp12 = Fp6[w]/(w² − v).

import { sha256, concat } from "./sha256.js";
import * as isogeny from "./isogeny.js";

const P = 0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaabn;
const R = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n; // the order of the groups
const X = 0xd201000000010000n; // −x, x being the parameter of the curve
const DST = new TextEncoder().encode("BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_");

// PUBLIC_KEY is quicknet's, uncompressed: x = c0 + c1·i and y likewise. publicKeyBytes gives the 96
// bytes that drand publishes.
const PUBLIC_KEY = [
  [0x0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45an,
    0x03cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451n],
  [0x0e5db2b6bfbb01c867749cadffca88b36c24f3012ba09fc4d3022c5c37dce0f977d3adb5d183c7477c442b1f04515273n,
    0x01a714f2edb74119a2f2b0d5a7c75ba902d163700a61bc224ededd8e63aef7be1aaf8e93d7a9718b047ccddb3eb5d68bn],
];
const G2 = [
  [0x024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8n,
    0x13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7en],
  [0x0ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801n,
    0x0606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79ben],
];

// Fp

const mod = (a) => {
  const r = a % P;
  return r < 0n ? r + P : r;
};

function power(base, exponent) {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % P;
    if (bit === "1") result = (result * base) % P;
  }
  return result;
}

function invert(a) { // extended Euclid; 0 gives 0, as RFC 9380's inv0
  let [r0, r1, s0, s1] = [P, mod(a), 0n, 1n];
  while (r1 !== 0n) {
    const q = r0 / r1;
    [r0, r1, s0, s1] = [r1, r0 - q * r1, s1, s0 - q * s1];
  }
  return r0 === 1n ? mod(s0) : 0n;
}

function squareRoot(a) { // P ≡ 3 mod 4; undefined when a is no square
  const root = power(a, (P + 1n) / 4n);
  return (root * root) % P === a ? root : undefined;
}

// Fp2: [c0, c1] is c0 + c1·i

const add2 = (a, b) => [mod(a[0] + b[0]), mod(a[1] + b[1])];
const sub2 = (a, b) => [mod(a[0] - b[0]), mod(a[1] - b[1])];
const neg2 = (a) => [mod(-a[0]), mod(-a[1])];
const scale2 = (a, k) => [mod(a[0] * k), mod(a[1] * k)];
const xi = (a) => [mod(a[0] - a[1]), mod(a[0] + a[1])]; // (1 + i)·a
const mul2 = (a, b) => {
  const low = a[0] * b[0], high = a[1] * b[1];
  return [mod(low - high), mod((a[0] + a[1]) * (b[0] + b[1]) - low - high)];
};
const invert2 = (a) => {
  const norm = invert(a[0] * a[0] + a[1] * a[1]);
  return [mod(a[0] * norm), mod(-a[1] * norm)];
};

// Fp6: [c0, c1, c2] is c0 + c1·v + c2·v²

const add6 = (a, b) => a.map((c, i) => add2(c, b[i]));
const sub6 = (a, b) => a.map((c, i) => sub2(c, b[i]));
const timesV = (a) => [xi(a[2]), a[0], a[1]];
const mul6 = ([a0, a1, a2], [b0, b1, b2]) => {
  const m0 = mul2(a0, b0), m1 = mul2(a1, b1), m2 = mul2(a2, b2);
  const cross = (x, y, z, u, mx, my) => sub2(mul2(add2(x, y), add2(z, u)), add2(mx, my));
  return [
    add2(m0, xi(cross(a1, a2, b1, b2, m1, m2))),
    add2(cross(a0, a1, b0, b1, m0, m1), xi(m2)),
    add2(cross(a0, a2, b0, b2, m0, m2), m1),
  ];
};
const invert6 = ([a, b, c]) => {
  const t0 = sub2(mul2(a, a), xi(mul2(b, c)));
  const t1 = sub2(xi(mul2(c, c)), mul2(a, b));
  const t2 = sub2(mul2(b, b), mul2(a, c));
  const norm = invert2(add2(mul2(a, t0), xi(add2(mul2(c, t1), mul2(b, t2)))));
  return [mul2(t0, norm), mul2(t1, norm), mul2(t2, norm)];
};

// Fp12: [c0, c1] is c0 + c1·w

const ZERO2 = [0n, 0n];
const ONE = [[[1n, 0n], ZERO2, ZERO2], [ZERO2, ZERO2, ZERO2]];
const mul12 = ([a0, a1], [b0, b1]) => {
  const low = mul6(a0, b0), high = mul6(a1, b1);
  return [add6(low, timesV(high)), sub6(mul6(add6(a0, a1), add6(b0, b1)), add6(low, high))];
};
const conjugate = ([a0, a1]) => [a0, a1.map(neg2)];
const invert12 = ([a0, a1]) => {
  const norm = invert6(sub6(mul6(a0, a0), timesV(mul6(a1, a1))));
  return [mul6(a0, norm), mul6(a1, norm).map(neg2)];
};
const isOne = (a) => a.flat(2).every((c, i) => c === (i === 0 ? 1n : 0n));

// G1: [x, y], or null for the point at infinity. The curve is y² = x³ + 4.

function add(p, q) {
  if (p === null) return q;
  if (q === null) return p;
  let slope;
  if (p[0] === q[0]) {
    if (mod(p[1] + q[1]) === 0n) return null;
    slope = mod(3n * p[0] * p[0] * invert(2n * p[1]));
  } else {
    slope = mod((q[1] - p[1]) * invert(q[0] - p[0]));
  }
  const x = mod(slope * slope - p[0] - q[0]);
  return [x, mod(slope * (p[0] - x) - p[1])];
}

function multiply(p, k) {
  let result = null;
  for (const bit of k.toString(2)) {
    result = add(result, result);
    if (bit === "1") result = add(result, p);
  }
  return result;
}

// decode reads a compressed point of G1 and accepts its one canonical spelling only: no infinity, x
// below P, on the curve and in the subgroup of order R. Anything else is undefined.
function decode(bytes) {
  if (bytes.length !== 48 || (bytes[0] & 0xc0) !== 0x80) return undefined;
  const x = integer(bytes) & ((1n << 381n) - 1n);
  if (x >= P) return undefined;
  let y = squareRoot(mod(x * x * x + 4n));
  if (y === undefined) return undefined;
  if ((y > (P - 1n) / 2n) !== ((bytes[0] & 0x20) !== 0)) y = mod(-y);
  const point = [x, y];
  return multiply(point, R) === null ? point : undefined;
}

const integer = (bytes) => BigInt("0x" + Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(""));

// Hashing to G1: RFC 9380, suite BLS12381G1_XMD:SHA-256_SSWU_RO_

function expand(message) { // expand_message_xmd to 128 bytes, section 5.3.1
  const suffix = concat(DST, [DST.length]);
  const first = sha256(concat(new Uint8Array(64), message, [0, 128, 0], suffix));
  const blocks = [sha256(concat(first, [1], suffix))];
  while (blocks.length < 4) {
    const mixed = first.map((b, i) => b ^ blocks.at(-1)[i]);
    blocks.push(sha256(concat(mixed, [blocks.length + 1], suffix)));
  }
  return concat(...blocks);
}

function mapToCurve(u) { // simplified SWU onto E', section 6.6.2, then the isogeny to G1's curve
  const { A, B } = isogeny, Z = 11n;
  const curve = (x) => mod((x * x + A) * x + B);
  const zu2 = mod(Z * u * u);
  const tv = invert(zu2 * zu2 + zu2);
  let x = tv === 0n ? mod(B * invert(Z * A)) : mod(-B * invert(A) * (1n + tv));
  let y = squareRoot(curve(x));
  if (y === undefined) {
    x = mod(zu2 * x);
    y = squareRoot(curve(x));
  }
  if ((u & 1n) !== (y & 1n)) y = mod(-y);
  const at = (coefficients) => coefficients.reduceRight((sum, c) => mod(sum * x + c), 0n);
  const xDen = at(isogeny.xDen), yDen = at(isogeny.yDen);
  if (xDen === 0n || yDen === 0n) return null;
  return [mod(at(isogeny.xNum) * invert(xDen)), mod(y * at(isogeny.yNum) * invert(yDen))];
}

function hashToG1(message) {
  const uniform = expand(message);
  const u = [uniform.slice(0, 64), uniform.slice(64)].map((b) => integer(b) % P);
  return multiply(add(mapToCurve(u[0]), mapToCurve(u[1])), X + 1n); // clears the cofactor: h_eff = 1 − x
}

// Pairing: the optimal ate Miller loop of each pair (p in G1, q in G2), multiplied, then the final
// exponentiation. Lines are scaled by w³, which lies in a subfield that the exponentiation wipes out.

function line(p, t, slope) {
  return [[sub2(mul2(slope, t[0]), t[1]), neg2(scale2(slope, p[0])), ZERO2], [ZERO2, [p[1], 0n], ZERO2]];
}

function step(state, slope, x2) { // moves t along its line, in affine coordinates of the twist
  const x = sub2(sub2(mul2(slope, slope), state[0]), x2);
  return [x, sub2(mul2(slope, sub2(state[0], x)), state[1])];
}

function pairingProduct(pairs) {
  let f = ONE;
  const points = pairs.map(([, q]) => q);
  for (const bit of X.toString(2).slice(1)) {
    f = mul12(f, f);
    pairs.forEach(([p, q], i) => {
      let t = points[i];
      const tangent = mul2(scale2(mul2(t[0], t[0]), 3n), invert2(scale2(t[1], 2n)));
      f = mul12(f, line(p, t, tangent));
      t = step(t, tangent, t[0]);
      if (bit === "1") {
        const chord = mul2(sub2(q[1], t[1]), invert2(sub2(q[0], t[0])));
        f = mul12(f, line(p, t, chord));
        t = step(t, chord, q[0]);
      }
      points[i] = t;
    });
  }
  f = conjugate(f); // x is negative
  f = mul12(conjugate(f), invert12(f)); // to the power p⁶ − 1
  let result = ONE; // to the power (p⁶ + 1)/r
  for (const bit of ((P ** 6n + 1n) / R).toString(2)) {
    result = mul12(result, result);
    if (bit === "1") result = mul12(result, f);
  }
  return result;
}

// verifyRound says whether signature (48 bytes) is quicknet's for the round (a whole number).
export function verifyRound(round, signature) {
  const point = decode(signature);
  if (point === undefined) return false;
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(round));
  const hashed = hashToG1(sha256(new Uint8Array(counter.buffer)));
  const minus = [point[0], mod(-point[1])];
  return isOne(pairingProduct([[hashed, PUBLIC_KEY], [minus, G2]]));
}

// publicKeyBytes is the compressed key, as drand publishes it and the chain hash pins it.
export function publicKeyBytes() {
  const [x, y] = PUBLIC_KEY;
  const bytes = (n) => Uint8Array.from(n.toString(16).padStart(96, "0").match(/../g), (h) => parseInt(h, 16));
  const out = concat(bytes(x[1]), bytes(x[0]));
  const larger = y[1] === 0n ? y[0] > (P - 1n) / 2n : y[1] > (P - 1n) / 2n;
  out[0] |= larger ? 0xa0 : 0x80;
  return out;
}

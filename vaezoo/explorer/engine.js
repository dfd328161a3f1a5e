// Carries out the graph of a model, see graph.py: plain JavaScript, one example at a time.
// Every buffer is allocated once, so that decoding leaves nothing for the garbage collector.
"use strict";

const VaezooEngine = (() => {
  const size = (shape) => shape.reduce((a, b) => a * b, 1);

  // ---- weights ------------------------------------------------------------------------------

  function fromBase64(text) {
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
    return bytes;
  }

  let halves = null;

  /** The float32 value of each of the 65,536 float16 numbers. */
  function halfTable() {
    if (halves) return halves;
    halves = new Float32Array(65536);
    for (let h = 0; h < 65536; h++) {
      const sign = h & 0x8000 ? -1 : 1, exponent = (h >> 10) & 31, fraction = h & 1023;
      if (exponent === 0) halves[h] = sign * fraction * 2 ** -24;
      else if (exponent === 31) halves[h] = fraction ? NaN : sign * Infinity;
      else halves[h] = sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
    }
    return halves;
  }

  /** A part of the weights: [type, first byte, count]. */
  function numbers(bytes, [type, offset, count]) {
    const start = bytes.byteOffset + offset;
    if (type === "f32") return new Float32Array(bytes.buffer, start, count);
    if (type === "i32") return new Int32Array(bytes.buffer, start, count);
    const table = halfTable(), raw = new Uint16Array(bytes.buffer, start, count);
    const found = new Float32Array(count);
    for (let i = 0; i < count; i++) found[i] = table[raw[i]];
    return found;
  }

  // ---- functions of numbers -----------------------------------------------------------------

  /** The complementary error function: series near 0, continued fraction far from it. */
  function erf(x) {
    const a = Math.abs(x);
    if (a > 6) return Math.sign(x);
    if (a < 2.5) {
      let term = a, sum = a;
      for (let n = 1; n < 60; n++) {
        term *= -a * a / n;
        sum += term / (2 * n + 1);
      }
      return Math.sign(x) * sum * 2 / Math.sqrt(Math.PI);
    }
    let f = 0;
    for (let n = 60; n > 0; n--) f = n / 2 / (a + f);
    return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + f));
  }

  function roundHalfEven(x) {
    const r = Math.round(x);
    return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
  }

  const sigmoid = (x) => 1 / (1 + Math.exp(-x));
  const softplus = (x, beta, limit) =>
    x * beta > limit ? x : Math.log1p(Math.exp(x * beta)) / beta;
  const remainder = (a, b) => a - b * Math.floor(a / b);
  const hard = (x) => Math.min(Math.max(x + 3, 0), 6) / 6;
  const SELU = [1.6732632423543772, 1.0507009873554805];

  const UNARY = {
    relu: (x) => (x > 0 ? x : 0), sigmoid, tanh: Math.tanh, exp: Math.exp, log: Math.log,
    log1p: Math.log1p, expm1: Math.expm1, log2: Math.log2, log10: Math.log10, neg: (x) => -x,
    abs: Math.abs, sqrt: Math.sqrt, rsqrt: (x) => 1 / Math.sqrt(x), reciprocal: (x) => 1 / x,
    sin: Math.sin, cos: Math.cos, tan: Math.tan, asin: Math.asin, acos: Math.acos,
    atan: Math.atan, sinh: Math.sinh, cosh: Math.cosh, asinh: Math.asinh, acosh: Math.acosh,
    atanh: Math.atanh, erf, round: roundHalfEven, floor: Math.floor, ceil: Math.ceil,
    trunc: Math.trunc, sign: Math.sign, silu: (x) => x * sigmoid(x),
    mish: (x) => x * Math.tanh(softplus(x, 1, 20)), hardswish: (x) => x * hard(x),
    hardsigmoid: hard, log_sigmoid: (x) => -softplus(-x, 1, 80),
    isnan: (x) => +Number.isNaN(x), logical_not: (x) => +(x === 0),
    selu: (x) => SELU[1] * (x > 0 ? x : SELU[0] * Math.expm1(x)),
    leaky_relu: (x, slope) => (x > 0 ? x : slope * x),
    elu: (x, alpha, scale, inner) => (x > 0 ? scale * x : scale * alpha * Math.expm1(inner * x)),
    softplus,
    gelu: (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
    gelu_tanh: (x) =>
      0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
  };

  const BINARY = {
    add: (a, b) => a + b, sub: (a, b) => a - b, mul: (a, b) => a * b, div: (a, b) => a / b,
    pow: (a, b) => (b === 2 ? a * a : a ** b), maximum: Math.max, minimum: Math.min,
    eq: (a, b) => +(a === b), ne: (a, b) => +(a !== b), lt: (a, b) => +(a < b),
    le: (a, b) => +(a <= b), gt: (a, b) => +(a > b), ge: (a, b) => +(a >= b), remainder,
    atan2: Math.atan2, and: (a, b) => +(a !== 0 && b !== 0), or: (a, b) => +(a !== 0 || b !== 0),
    logaddexp: (a, b) => {
      const high = Math.max(a, b);
      return high + Math.log1p(Math.exp(-Math.abs(a - b)));
    },
  };

  const REDUCE = {
    sum: (x, at, n) => { let s = 0; for (let i = 0; i < n; i++) s += x[at + i]; return s; },
    mean: (x, at, n) => REDUCE.sum(x, at, n) / n,
    prod: (x, at, n) => { let s = 1; for (let i = 0; i < n; i++) s *= x[at + i]; return s; },
    argmax: (x, at, n) => {
      let best = 0;
      for (let i = 1; i < n; i++) if (x[at + i] > x[at + best]) best = i;
      return best;
    },
    argmin: (x, at, n) => {
      let best = 0;
      for (let i = 1; i < n; i++) if (x[at + i] < x[at + best]) best = i;
      return best;
    },
    amax: (x, at, n) => x[at + REDUCE.argmax(x, at, n)],
    amin: (x, at, n) => x[at + REDUCE.argmin(x, at, n)],
    any: (x, at, n) => { for (let i = 0; i < n; i++) if (x[at + i]) return 1; return 0; },
    all: (x, at, n) => { for (let i = 0; i < n; i++) if (!x[at + i]) return 0; return 1; },
  };

  // ---- operations: each returns a function that fills its output ----------------------------

  /** For each number of the output, where it is in an input of a broadcast shape; else null. */
  function broadcast(shape, wanted) {
    if (size(shape) === size(wanted)) return null;
    const padded = [...Array(wanted.length - shape.length).fill(1), ...shape];
    const strides = [];
    let step = 1;
    for (let i = padded.length - 1; i >= 0; i--) {
      strides[i] = padded[i] === 1 ? 0 : step;
      step *= padded[i];
    }
    const map = new Int32Array(size(wanted)), place = wanted.map(() => 0);
    for (let i = 0, at = 0; i < map.length; i++) {
      map[i] = at;
      for (let axis = wanted.length - 1; axis >= 0; axis--) {
        at += strides[axis];
        if (++place[axis] < wanted[axis]) break;
        at -= strides[axis] * wanted[axis];
        place[axis] = 0;
      }
    }
    return map;
  }

  /** Rows of ``a`` (R, K) times rows of ``b`` (P, K): out (R, P). Eight sums at a time. */
  function dots(a, b, K, out) {
    const R = a.length / K, P = b.length / K;
    for (let p = 0; p < P; p += 2) {
      const p0 = p * K, pair = p + 1 < P, p1 = pair ? p0 + K : p0;
      for (let r = 0; r < R; r += 4) {
        const left = R - r, r0 = r * K;
        const r1 = left > 1 ? r0 + K : r0, r2 = left > 2 ? r1 + K : r0, r3 = left > 3 ? r2 + K : r0;
        let s00 = 0, s10 = 0, s20 = 0, s30 = 0, s01 = 0, s11 = 0, s21 = 0, s31 = 0;
        for (let k = 0; k < K; k++) {
          const x = b[p0 + k], y = b[p1 + k];
          const w0 = a[r0 + k], w1 = a[r1 + k], w2 = a[r2 + k], w3 = a[r3 + k];
          s00 += w0 * x; s10 += w1 * x; s20 += w2 * x; s30 += w3 * x;
          s01 += w0 * y; s11 += w1 * y; s21 += w2 * y; s31 += w3 * y;
        }
        const at = r * P + p;
        out[at] = s00;
        if (pair) out[at + 1] = s01;
        if (left > 1) { out[at + P] = s10; if (pair) out[at + P + 1] = s11; }
        if (left > 2) { out[at + 2 * P] = s20; if (pair) out[at + 2 * P + 1] = s21; }
        if (left > 3) { out[at + 3 * P] = s30; if (pair) out[at + 3 * P + 1] = s31; }
      }
    }
  }

  const MAKE = {
    gather({ inputs: [x, ...more], out, attributes, graph, inputs }) {
      const map = graph.indices(attributes.map), fill = attributes.fill;
      let joined = x;
      if (more.length) joined = new Float32Array(inputs.reduce((n, one) => n + one.length, 0));
      return () => {
        if (more.length) {
          let at = 0;
          for (const one of inputs) { joined.set(one, at); at += one.length; }
        }
        for (let i = 0; i < out.length; i++) out[i] = map[i] < 0 ? fill : joined[map[i]];
      };
    },

    rows({ inputs: [table, which], out, shapes }) {
      const width = shapes[0][1];
      return () => {
        for (let i = 0; i < which.length; i++) {
          out.set(table.subarray(which[i] * width, (which[i] + 1) * width), i * width);
        }
      };
    },

    unary({ inputs: [x], out, attributes: { name, values: [a, b, c] } }) {
      const f = UNARY[name];
      if (name === "relu") {
        return () => { for (let i = 0; i < out.length; i++) out[i] = x[i] > 0 ? x[i] : 0; };
      }
      if (name === "sigmoid") {
        return () => { for (let i = 0; i < out.length; i++) out[i] = 1 / (1 + Math.exp(-x[i])); };
      }
      if (name === "leaky_relu") {
        return () => { for (let i = 0; i < out.length; i++) out[i] = x[i] > 0 ? x[i] : a * x[i]; };
      }
      return () => { for (let i = 0; i < out.length; i++) out[i] = f(x[i], a, b, c); };
    },

    binary({ inputs: [x, y], out, shapes, shape, attributes: { name } }) {
      const f = BINARY[name], n = out.length;
      const mx = broadcast(shapes[0], shape), my = broadcast(shapes[1], shape);
      if (!mx && !my) {
        if (name === "add") return () => { for (let i = 0; i < n; i++) out[i] = x[i] + y[i]; };
        if (name === "mul") return () => { for (let i = 0; i < n; i++) out[i] = x[i] * y[i]; };
        return () => { for (let i = 0; i < n; i++) out[i] = f(x[i], y[i]); };
      }
      if (!mx && name === "add") {
        return () => { for (let i = 0; i < n; i++) out[i] = x[i] + y[my[i]]; };
      }
      if (!mx && name === "mul") {
        return () => { for (let i = 0; i < n; i++) out[i] = x[i] * y[my[i]]; };
      }
      return () => {
        for (let i = 0; i < n; i++) out[i] = f(x[mx ? mx[i] : i], y[my ? my[i] : i]);
      };
    },

    where({ inputs, out, shapes, shape }) {
      const [mc, ma, mb] = shapes.map((one) => broadcast(one, shape));
      const [c, a, b] = inputs;
      return () => {
        for (let i = 0; i < out.length; i++) {
          out[i] = c[mc ? mc[i] : i] !== 0 ? a[ma ? ma[i] : i] : b[mb ? mb[i] : i];
        }
      };
    },

    /** Row by row over the weights, in the order of memory; zeros after a ReLU cost nothing. */
    matmul({ inputs: [x, w, bias], out, shapes, attributes: { batch } }) {
      const K = shapes[0].at(-1), M = shapes[0].at(-2), N = shapes[1].at(-1);
      const row = new Float64Array(N);
      return () => {
        for (let b = 0; b < batch; b++) {
          for (let m = 0; m < M; m++) {
            if (bias) row.set(bias); else row.fill(0);
            const from = (b * M + m) * K;
            for (let k = 0; k < K; k++) {
              const a = x[from + k];
              if (a === 0) continue;
              const at = (b * K + k) * N;
              for (let n = 0; n < N; n++) row[n] += a * w[at + n];
            }
            out.set(row, (b * M + m) * N);
          }
        }
      };
    },

    /** Patches of the input times the weights of each output channel (im2col). */
    convolve({ inputs: [x, w, bias], out, shapes, shape, attributes }) {
      const { stride: [sy, sx], padding: [py, px], dilation: [dy, dx], groups } = attributes;
      const [, C, H, W] = shapes[0], [O, each, KH, KW] = shapes[1], [, , OH, OW] = shape;
      const K = each * KH * KW, P = OH * OW, outputs = O / groups;
      const patches = new Float64Array(P * K), products = new Float64Array(outputs * P);
      const weights = Float64Array.from(w);
      return () => {
        for (let g = 0; g < groups; g++) {
          for (let c = 0; c < each; c++) {
            const plane = (g * each + c) * H * W;
            for (let ky = 0; ky < KH; ky++) for (let kx = 0; kx < KW; kx++) {
              let to = (c * KH + ky) * KW + kx;
              for (let oy = 0; oy < OH; oy++) {
                const y = oy * sy + ky * dy - py, inside = y >= 0 && y < H;
                for (let ox = 0, xx = kx * dx - px; ox < OW; ox++, xx += sx, to += K) {
                  patches[to] = inside && xx >= 0 && xx < W ? x[plane + y * W + xx] : 0;
                }
              }
            }
          }
          dots(weights.subarray(g * outputs * K, (g + 1) * outputs * K), patches, K, products);
          for (let o = 0; o < outputs; o++) {
            const channel = g * outputs + o, add = bias ? bias[channel] : 0;
            for (let p = 0; p < P; p++) out[channel * P + p] = products[o * P + p] + add;
          }
        }
      };
    },

    /** Each input pixel times the weights, added where its kernel lies in the output (col2im). */
    convolve_transposed({ inputs: [x, w, bias], out, shapes, shape, attributes }) {
      const { stride: [sy, sx], padding: [py, px], dilation: [dy, dx], groups } = attributes;
      const [, C, H, W] = shapes[0], [, each, KH, KW] = shapes[1], [, O, OH, OW] = shape;
      const K = C / groups, R = each * KH * KW, P = H * W;
      const weights = new Float64Array(groups * R * K), pixels = new Float64Array(P * K);
      for (let g = 0; g < groups; g++) for (let c = 0; c < K; c++) for (let r = 0; r < R; r++) {
        weights[(g * R + r) * K + c] = w[(g * K + c) * R + r];
      }
      const products = new Float64Array(R * P), plane = new Float64Array(OH * OW);
      return () => {
        for (let g = 0; g < groups; g++) {
          for (let c = 0; c < K; c++) for (let p = 0; p < P; p++) {
            pixels[p * K + c] = x[(g * K + c) * P + p];
          }
          dots(weights.subarray(g * R * K, (g + 1) * R * K), pixels, K, products);
          for (let o = 0; o < each; o++) {
            plane.fill(bias ? bias[g * each + o] : 0);
            for (let ky = 0; ky < KH; ky++) for (let kx = 0; kx < KW; kx++) {
              let from = ((o * KH + ky) * KW + kx) * P;
              for (let y = 0, oy = ky * dy - py; y < H; y++, oy += sy) {
                const inside = oy >= 0 && oy < OH;
                for (let xx = 0, ox = kx * dx - px; xx < W; xx++, ox += sx, from++) {
                  if (inside && ox >= 0 && ox < OW) plane[oy * OW + ox] += products[from];
                }
              }
            }
            out.set(plane, (g * each + o) * OH * OW);
          }
        }
      };
    },

    reduce({ inputs: [x], out, shapes, attributes: { name } }) {
      const inner = shapes[0][1], f = REDUCE[name];
      return () => { for (let i = 0; i < out.length; i++) out[i] = f(x, i * inner, inner); };
    },

    softmax: (operation) => rowwise(operation, (x, at, n, out) => {
      const high = REDUCE.amax(x, at, n);
      let total = 0;
      for (let i = at; i < at + n; i++) total += Math.exp(x[i] - high);
      for (let i = at; i < at + n; i++) out[i] = Math.exp(x[i] - high) / total;
    }),

    log_softmax: (operation) => rowwise(operation, (x, at, n, out) => {
      const high = REDUCE.amax(x, at, n);
      let total = 0;
      for (let i = at; i < at + n; i++) total += Math.exp(x[i] - high);
      for (let i = at; i < at + n; i++) out[i] = x[i] - high - Math.log(total);
    }),

    normalize: (operation) => rowwise(operation, (x, at, n, out) => {
      const mean = REDUCE.mean(x, at, n);
      let variance = 0;
      for (let i = at; i < at + n; i++) variance += (x[i] - mean) ** 2 / n;
      const scale = 1 / Math.sqrt(variance + operation.attributes.epsilon);
      for (let i = at; i < at + n; i++) out[i] = (x[i] - mean) * scale;
    }),

    cumsum: (operation) => rowwise(operation, (x, at, n, out) => {
      let sum = 0;
      for (let i = at; i < at + n; i++) out[i] = sum += x[i];
    }),
  };

  function rowwise({ inputs: [x], out, shapes }, f) {
    const [outer, inner] = shapes[0];
    return () => { for (let row = 0; row < outer; row++) f(x, row * inner, inner, out); };
  }

  // ---- the graph ----------------------------------------------------------------------------

  class Graph {
    /** ``plan`` is the JSON of a graph, ``bytes`` a Uint8Array of its weights. */
    constructor(plan, bytes) {
      this.plan = plan;
      this.bytes = bytes;
      const values = this.values = [];
      for (const [number, where] of Object.entries(plan.constants)) {
        values[number] = numbers(bytes, where);
      }
      for (const number of Object.values(plan.inputs)) {
        values[number] = new Float32Array(size(plan.shapes[number]));
      }
      this.steps = [];
      for (const [kind, inputs, output, attributes] of plan.operations) {
        if (kind === "reshape") {
          values[output] = values[inputs[0]];
          continue;
        }
        const out = values[output] = new Float32Array(size(plan.shapes[output]));
        this.steps.push(MAKE[kind]({
          inputs: inputs.map((number) => values[number]),
          shapes: inputs.map((number) => plan.shapes[number]),
          shape: plan.shapes[output], out, attributes, graph: this,
        }));
      }
    }

    /** The outputs by name. They are overwritten by the next call: copy what is kept. */
    run(inputs) {
      for (const [name, number] of Object.entries(this.plan.inputs)) {
        this.values[number].set(inputs[name]);
      }
      for (const step of this.steps) step();
      const found = {};
      for (const [name, number] of Object.entries(this.plan.outputs)) {
        found[name] = this.values[number];
      }
      return found;
    }

    /** Indices: a part of the weights, or runs of [first, step, count]. */
    indices(map) {
      if (map.part) return numbers(this.bytes, map.part);
      const found = [];
      for (let i = 0; i < map.runs.length; i += 3) {
        for (let j = 0; j < map.runs[i + 2]; j++) found.push(map.runs[i] + j * map.runs[i + 1]);
      }
      return Int32Array.from(found);
    }
  }

  return { Graph, fromBase64 };
})();

if (typeof module !== "undefined") module.exports = VaezooEngine;

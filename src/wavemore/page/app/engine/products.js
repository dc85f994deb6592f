/** What `activate` does, by its number in the kernel. */
export const ACTIVATIONS = ["tanh", "gated", "quick_gelu", "gelu"];

/** Added to the mean square in a norm. */
export const NORM_EPS = 1e-5;
const QUICK_GELU = 1.702;
const GELU = [
  0.7978842683866169, 0.036334149187109886, -3.302675402679236e-5, -5.527337086145929e-5, 3.974068580988158e-6,
  -1.3378306383337927e-7, 1.8139242303121539e-9,
];

/**
 * The kernel in plain JavaScript; `kernel.wat` says what each function does, and has the same ones.
 * @param {{floats: Float32Array, integers: Int32Array}} memory
 */
export function plainKernel(memory) {
  return {
    product(rows, n, weight, bias, channels, width, out) {
      const { floats, integers } = memory;
      for (let r = 0; r < n; r++) {
        const x = integers[(rows >> 2) + r] >> 2;
        const to = (out >> 2) + r * width;
        for (let w = 0; w < width; w += 8) {
          const panel = (weight >> 2) + w * channels;
          productOfPanel(floats, x, panel, (bias >> 2) + w, channels, to + w);
        }
      }
    },

    combine(rows, k, n, width, out) {
      const { floats, integers } = memory;
      for (let r = 0; r < n; r++) {
        const to = (out >> 2) + r * width;
        const first = integers[(rows >> 2) + r * k] >> 2;
        for (let w = 0; w < width; w++) floats[to + w] = floats[first + w];
        for (let j = 1; j < k; j++) {
          const from = integers[(rows >> 2) + r * k + j] >> 2;
          for (let w = 0; w < width; w++) floats[to + w] += floats[from + w];
        }
      }
    },

    norm(x, n, width, gamma, beta, channels) {
      const { floats } = memory;
      for (let r = 0; r < n; r++) {
        const at = (x >> 2) + r * width;
        let square = 0;
        for (let w = 0; w < width; w++) square += floats[at + w] * floats[at + w];
        const times = 1 / Math.sqrt(square / channels + NORM_EPS);
        for (let w = 0; w < width; w++) {
          floats[at + w] = floats[at + w] * times * floats[(gamma >> 2) + w] + floats[(beta >> 2) + w];
        }
      }
    },

    activate(kind, x, n, hidden, out) {
      const { floats } = memory;
      const width = kind === 1 ? 2 * hidden : hidden;
      for (let r = 0; r < n; r++) {
        const from = (x >> 2) + r * width;
        const to = (out >> 2) + r * hidden;
        for (let h = 0; h < hidden; h++) {
          floats[to + h] = activated(kind, floats[from + h], kind === 1 ? floats[from + hidden + h] : 0);
        }
      }
    },
  };
}

/** Eight columns of a product, of one row: the weights of each channel lie side by side. */
function productOfPanel(floats, x, panel, bias, channels, to) {
  let [a, b, c, d] = [floats[bias], floats[bias + 1], floats[bias + 2], floats[bias + 3]];
  let [e, f, g, h] = [floats[bias + 4], floats[bias + 5], floats[bias + 6], floats[bias + 7]];
  for (let i = 0, at = panel; i < channels; i++, at += 8) {
    const value = floats[x + i];
    a += value * floats[at];
    b += value * floats[at + 1];
    c += value * floats[at + 2];
    d += value * floats[at + 3];
    e += value * floats[at + 4];
    f += value * floats[at + 5];
    g += value * floats[at + 6];
    h += value * floats[at + 7];
  }
  floats[to] = a;
  floats[to + 1] = b;
  floats[to + 2] = c;
  floats[to + 3] = d;
  floats[to + 4] = e;
  floats[to + 5] = f;
  floats[to + 6] = g;
  floats[to + 7] = h;
}

/**
 * The activation of one number, which has been multiplied as `predict/activation.py` says.
 * @param {number} kind its place in ACTIVATIONS
 * @param {number} y
 * @param {number} gate of a gate
 */
export function activated(kind, y, gate) {
  if (kind === 0) return 2 / (1 + Math.exp(y)) - 1;
  if (kind === 1) return (2 / (1 + Math.exp(y)) - 1) / (1 + Math.exp(gate));
  if (kind === 2) return y / (1 + Math.exp(-QUICK_GELU * y));
  const square = y * y;
  let sum = 0;
  for (let i = GELU.length - 1; i >= 0; i--) sum = sum * square + GELU[i];
  return y / (1 + Math.exp(-2 * y * sum));
}

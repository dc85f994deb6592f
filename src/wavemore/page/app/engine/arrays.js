/**
 * Reads the arrays of a packed model; `page/arrays.py` says how they lie. They come as float32, and as bytes.
 * @param {{kind: string, shape: number[], exponent?: number}[]} told
 * @param {Uint8Array} bytes
 * @returns {(Float32Array | Uint8Array)[]}
 */
export function readArrays(told, bytes) {
  const sizes = told.map((one) => one.shape.reduce((product, side) => product * side, 1));
  const total = (kind) => told.reduce((sum, one, i) => sum + (one.kind === kind ? sizes[i] : 0), 0);
  const halves = total("half");
  const at = { half: 0, single: 2 * halves, bytes: 2 * halves + 4 * total("single") };
  return told.map((one, i) => {
    const [start, size] = [at[one.kind], sizes[i]];
    at[one.kind] += size * (one.kind === "single" ? 4 : 1);
    if (one.kind === "bytes") return bytes.slice(start, start + size);
    if (one.kind === "single") return new Float32Array(bytes.slice(start, start + 4 * size).buffer);
    return fromHalves(bytes, start, start + halves, size, one.exponent);
  });
}

/**
 * float16 numbers times 2 to the minus `exponent`. Their sign, exponent and fraction are moved to where float32 has
 * them; a product with a power of two then makes up for the smaller exponents of float16.
 */
function fromHalves(bytes, lower, upper, size, exponent) {
  const numbers = new Float32Array(size);
  const bits = new Int32Array(numbers.buffer);
  const times = 2 ** (112 - exponent);
  for (let i = 0; i < size; i++) {
    const half = bytes[lower + i] | (bytes[upper + i] << 8);
    bits[i] = ((half & 0x8000) << 16) | ((half & 0x7fff) << 13);
    numbers[i] *= times;
  }
  return numbers;
}

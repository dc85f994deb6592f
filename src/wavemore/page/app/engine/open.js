/**
 * The bytes of a text in base64.
 * @param {string} text
 * @returns {Uint8Array}
 */
export function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text.trim());
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

/**
 * The model that a page holds: its header, and its arrays.
 * @param {string} base64 as `Packed.compressed` makes it
 * @returns {Promise<{header: object, bytes: Uint8Array}>}
 */
export async function opened(base64) {
  const stream = new Blob([fromBase64(base64)]).stream().pipeThrough(new DecompressionStream("gzip"));
  const whole = new Uint8Array(await new Response(stream).arrayBuffer());
  const length = new DataView(whole.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(whole.subarray(4, 4 + length)));
  return { header, bytes: whole.slice(4 + length) };
}

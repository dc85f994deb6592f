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
 * Bytes that were compressed with gzip.
 * @param {Uint8Array} bytes
 * @returns {Promise<Uint8Array>}
 */
export async function unzipped(bytes) {
  const { writable, readable } = new DecompressionStream("gzip");
  // A stream of a Blob would go through the browser's other processes. What is wrong is said by reading.
  const writer = writable.getWriter();
  for (const written of [writer.write(bytes), writer.close()]) written.catch(() => {});
  return new Uint8Array(await new Response(readable).arrayBuffer());
}

/** The numbers of a node as a small heat map: blue below zero, orange above, pale near zero. */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Float32Array} values
 * @param {number} largest the size that has the full colour
 */
export function paintHeat(canvas, values, largest) {
  const rows = values.length < 16 ? 1 : values.length < 64 ? 4 : 8;
  const columns = Math.ceil(values.length / rows);
  canvas.width = columns;
  canvas.height = rows;
  const painter = canvas.getContext("2d");
  const image = painter.createImageData(columns, rows);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const [zero, below, above] = dark
    ? [
        [38, 46, 50],
        [96, 176, 255],
        [255, 160, 84],
      ]
    : [
        [238, 241, 240],
        [24, 98, 178],
        [206, 92, 10],
      ];
  values.forEach((value, i) => {
    const share = Math.min(1, Math.abs(value) / largest);
    const full = value < 0 ? below : above;
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = zero[c] + (full[c] - zero[c]) * share;
    image.data[4 * i + 3] = 255;
  });
  painter.putImageData(image, 0, 0);
}

/** The size of number that a level's colours end at: nearly its largest. @param {{values: Float32Array}[]} nodes */
export function largestOf(nodes) {
  const sizes = nodes.flatMap((node) => Array.from(node.values, Math.abs)).sort((a, b) => a - b);
  return sizes[Math.floor(0.98 * (sizes.length - 1))] || 1;
}

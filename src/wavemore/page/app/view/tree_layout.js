/** Where the nodes of a tree stand: a column a character of the context, a row a level. */

/** @typedef {{ids?: number[], characters: string[], values: Float32Array, shared: number, end?: number, children?: number[]}} Node */
/** @typedef {{shape: number[], nodes: Node[]}} Level */
/**
 * Where nodes stand: of each level a list with the column of each node, in which a node that is not drawn has NaN.
 * Padding that comes before the string is folded: of a node that is padding alone nothing below is drawn. In a tree a node
 * stands over the middle of its children; where levels overlap, as in dilation cycles, over its last character.
 * @param {Level[]} levels from the embedding up
 * @returns {{columns: number[][], count: number}} and how many columns there are
 */
export function treePlaces(levels) {
  const shown = shownNodes(levels);
  return levelsOverlap(levels) ? placesByEnd(levels, shown) : placesByChildren(levels, shown);
}

/** Whether a node has two parents. @param {Level[]} levels */
function levelsOverlap(levels) {
  return levels.some(
    (level, l) => l > 0 && level.nodes.flatMap((_, i) => childrenOf(levels, l, i)).length > levels[l - 1].nodes.length,
  );
}

/** @param {Level[]} levels @param {boolean[][]} shown */
function placesByEnd(levels, shown) {
  const ends = [levels[0].nodes.map((_, i) => i)];
  for (let l = 1; l < levels.length; l++)
    ends.push(levels[l].nodes.map((_, i) => ends[l - 1][childrenOf(levels, l, i).at(-1)]));
  const used = [...new Set(ends.flatMap((level, l) => level.filter((_, i) => shown[l][i])))].sort((a, b) => a - b);
  return {
    columns: ends.map((level, l) => level.map((end, i) => (shown[l][i] ? used.indexOf(end) + 0.5 : NaN))),
    count: used.length,
  };
}

/** @param {Level[]} levels @param {boolean[][]} shown */
function placesByChildren(levels, shown) {
  const middles = [levels[0].nodes.map((_, i) => i)]; // of each node the middle of its characters, in the whole context
  for (let l = 1; l < levels.length; l++)
    middles.push(levels[l].nodes.map((_, i) => mean(childrenOf(levels, l, i).map((child) => middles[l - 1][child]))));
  const visible = (l, i) => (l === 0 ? [] : childrenOf(levels, l, i).filter((child) => shown[l - 1][child]));
  const ends = levels.flatMap((level, l) =>
    level.nodes.map((_, i) => [l, i]).filter(([, i]) => shown[l][i] && visible(l, i).length === 0),
  );
  ends.sort(([l, i], [m, j]) => middles[l][i] - middles[m][j]);
  const columns = levels.map((level) => level.nodes.map(() => NaN));
  ends.forEach(([l, i], column) => (columns[l][i] = column + 0.5));
  for (let l = 1; l < levels.length; l++) {
    levels[l].nodes.forEach((_, i) => {
      const children = visible(l, i);
      if (shown[l][i] && children.length) columns[l][i] = mean(children.map((child) => columns[l - 1][child]));
    });
  }
  return { columns, count: ends.length };
}

/** @param {number[]} numbers */
function mean(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

/** Which nodes are drawn: those with a parent that is drawn and not folded, and the top. @param {Level[]} levels @returns {boolean[][]} */
function shownNodes(levels) {
  const shown = levels.map((level) => level.nodes.map(() => false));
  shown[levels.length - 1].fill(true);
  for (let l = levels.length - 1; l > 0; l--) {
    levels[l].nodes.forEach((node, i) => {
      const last = i === levels[l].nodes.length - 1; // ends where the context ends
      if (!shown[l][i] || (!last && node.characters.every(isPadding))) return;
      for (const child of childrenOf(levels, l, i)) shown[l - 1][child] = true;
    });
  }
  return shown;
}

/** The children of a node: those that it names, else an even part of the level below. @param {Level[]} levels @param {number} l @param {number} i */
export function childrenOf(levels, l, i) {
  const node = levels[l].nodes[i];
  if (node.children) return node.children;
  const group = Math.max(1, Math.floor(levels[l - 1].nodes.length / levels[l].nodes.length));
  return Array.from({ length: group }, (_, j) => i * group + j);
}

/** @param {Level[]} levels @param {number} l @returns {number} how many nodes of the level below one of this level joins */
export function groupOf(levels, l) {
  return l === 0 ? 1 : childrenOf(levels, l, 0).length;
}

/**
 * The shapes as the lecture notes write them: (B, T, C), one context a batch.
 * @param {Level[]} levels
 * @param {number} characters in the vocabulary
 * @returns {{step: string, shape: string, meaning: string}[]}
 */
export function shapesOf(levels, characters) {
  const rows = [];
  let [steps, channels] = [levels[0].nodes.length, levels[0].nodes[0].values.length];
  const written = (t, c) => (t > 1 ? `(1, ${t}, ${c})` : `(1, ${c})`);
  rows.push({
    step: "Embedding",
    shape: `(1, ${steps}, ${channels})`,
    meaning: `${steps} characters, ${channels} numbers each`,
  });
  for (let l = 1; l < levels.length; l++) {
    const group = groupOf(levels, l);
    const next = levels[l].nodes.length;
    rows.push({
      step: `Flatten ${group}`,
      shape: written(next, group * channels),
      meaning:
        next * group === steps
          ? `${group} neighbours side by side`
          : `${group} nodes side by side; levels overlap, so only those that are needed`,
    });
    [steps, channels] = [next, levels[l].nodes[0].values.length];
    rows.push({
      step: `Level ${l}`,
      shape: written(steps, channels),
      meaning:
        steps > 1 ? `${steps} nodes of ${channels} numbers` : `one node of ${channels} numbers: the whole context`,
    });
  }
  rows.push({
    step: "Output",
    shape: `(1, ${characters})`,
    meaning: `one number for each of ${characters - 1} characters and the end`,
  });
  return rows;
}

/**
 * The chunk of a node in characters; "" is the padding before the string.
 * @param {Node} node
 * @returns {string}
 */
export function chunkText(node) {
  return node.characters.map((character) => (isPadding(character) ? "·" : character)).join("");
}

/** @param {string} character @returns {boolean} */
export function isPadding(character) {
  return character === "" || character === "start" || character === "end";
}

/** Where the nodes of a tree stand: a column a character of the context, a row a level. */

/** @typedef {{ids?: number[], characters: string[], values: Float32Array, shared: number, end?: number, children?: number[]}} Node */
/** @typedef {{shape: number[], nodes: Node[]}} Level */
/**
 * Where nodes stand: of each level a list with the column of each node. Each place of the context has a column, and all
 * nodes are drawn, as the shapes count them. In a tree a node stands over the middle of its children; where levels overlap,
 * as in dilation cycles, over its last character.
 * @param {Level[]} levels from the embedding up
 * @returns {{columns: number[][], count: number}} and how many columns there are
 */
export function treePlaces(levels) {
  const overlap = levelsOverlap(levels);
  const columns = [levels[0].nodes.map((_, i) => i + 0.5)];
  for (let l = 1; l < levels.length; l++) {
    const below = (i) => childrenOf(levels, l, i).map((child) => columns[l - 1][child]);
    columns.push(levels[l].nodes.map((_, i) => (overlap ? below(i).at(-1) : mean(below(i)))));
  }
  return { columns, count: levels[0].nodes.length };
}

/** Whether a node has two parents. @param {Level[]} levels */
function levelsOverlap(levels) {
  return levels.some(
    (level, l) => l > 0 && level.nodes.flatMap((_, i) => childrenOf(levels, l, i)).length > levels[l - 1].nodes.length,
  );
}

/** @param {Level[]} levels @returns {number} the level at which a second cycle of dilations begins, 0 where none does */
export function secondCycle(levels) {
  const apart = (l) => {
    const [first, second] = childrenOf(levels, l, 0).map((child) => levels[l - 1].nodes[child].end);
    return second - first;
  };
  for (let l = 2; l < levels.length; l++) if (apart(l) <= apart(l - 1)) return l;
  return 0;
}

/** @param {number[]} numbers */
function mean(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
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

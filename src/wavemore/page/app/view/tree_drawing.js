/** The tree drawn: nodes as heat maps over their characters, lines between, and a way through it by the keyboard. */

import { byId, drawn, element } from "./elements.js";
import { largestOf, paintHeat } from "./heat_map.js";
import { characterShown, counted } from "./numbers.js";
import { childrenOf, chunkText, isPadding, treePlaces } from "./tree_layout.js";

const LETTER = 7.3; // the width of a letter of a chunk
const GAP = 28; // between rows, for the lines

/** @param {HTMLElement} place @param {HTMLElement} names @returns {number} how wide the tree may be */
function roomOf(place, names) {
  const { paddingLeft, paddingRight, columnGap } = getComputedStyle(place);
  const beside = names.offsetWidth ? names.offsetWidth + parseFloat(columnGap) : 0;
  return place.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight) - beside - 6;
}

/** How large nodes are: as wide as the place allows, and never too small to read. @param {number} room @param {number} leaves */
function sizesFor(room, leaves) {
  const column = Math.max(44, Math.min(92, Math.floor(room / leaves)));
  const node = Math.min(64, column - 7);
  const heat = Math.round(node * 0.55);
  return { column, node, heat, row: heat + 24 + GAP };
}

/**
 * Draw the tree into its place, and keep the node that had the focus.
 * @param {HTMLElement} place
 * @param {import("./tree_layout.js").Level[]} levels from the embedding up
 * @param {(sentence: string) => void} told of the node that is looked at
 * @param {Set<string>} before the chunks of the tree that was there, as `chunkKey` writes them
 */
export function drawTree(place, levels, told, before) {
  const { columns, count } = treePlaces(levels);
  const names = levelNames(levels);
  place.replaceChildren(names);
  const { column, node: wide, heat, row } = sizesFor(roomOf(place, names), count);
  for (const name of names.children) name.style.height = `${row}px`;
  const width = column * count;
  const height = row * levels.length - GAP + 12;
  const top = (l) => (levels.length - 1 - l) * row + 8;
  const sheet = element("div", { class: "sheet" });
  const inside = element("div", { class: "sheet-inside" });
  inside.style.width = `${width}px`;
  inside.style.height = `${height}px`;
  const lines = drawn("svg", { width, height, class: "lines", "aria-hidden": "true" });
  inside.append(lines);
  levels.forEach((level, l) => {
    const largest = largestOf(level.nodes);
    level.nodes.forEach((node, i) => {
      const x = columns[l][i] * column;
      for (const child of l === 0 ? [] : childrenOf(levels, l, i)) {
        const below = columns[l - 1][child] * column;
        const [y1, y2] = [top(l) + heat + 22, top(l - 1)];
        lines.append(drawn("path", { d: `M${x} ${y1}C${x} ${y1 + GAP / 2} ${below} ${y2 - GAP / 2} ${below} ${y2}` }));
      }
      const box = nodeBox(node, l, largest, before, Math.floor((wide - 2) / LETTER));
      box.style.left = `${x - wide / 2}px`;
      box.style.width = `${wide}px`;
      box.querySelector("canvas").style.height = `${heat}px`;
      box.style.top = `${top(l)}px`;
      box.dataset.at = `${l} ${i}`;
      box.tabIndex = -1;
      box.setAttribute("aria-describedby", "node-said");
      box.addEventListener("focus", () => told(nodeSentence(node, l, levels)));
      box.addEventListener("mouseenter", () => told(nodeSentence(node, l, levels)));
      box.addEventListener("click", () => box.focus());
      box.addEventListener("keydown", (event) => movedInTree(event, inside, levels, l, i));
      inside.append(box);
    });
  });
  const first = inside.querySelector(`[data-at="${levels.length - 1} 0"]`);
  first.tabIndex = 0;
  told(nodeSentence(levels[levels.length - 1].nodes[0], levels.length - 1, levels));
  sheet.append(inside);
  place.append(sheet);
  sheet.scrollLeft = width; // the end of the context is what changes
  sheet.addEventListener("scroll", () => showSides(sheet), { passive: true });
  showSides(sheet);
}

/** The sides at which there is more to scroll to fade out. @param {HTMLElement} sheet */
function showSides(sheet) {
  const { scrollLeft, scrollWidth, clientWidth } = sheet;
  sheet.classList.toggle("more-before", scrollLeft > 4);
  sheet.classList.toggle("more-after", scrollLeft < scrollWidth - clientWidth - 4);
  byId("tree-wide").hidden = scrollWidth <= clientWidth + 4;
}

/** @param {import("./tree_layout.js").Level[]} levels @returns {HTMLElement} the names of the rows, from the top */
function levelNames(levels) {
  const names = levels.map((level, l) => element("li", {}, l === 0 ? "Leaves" : `Level ${l}`)).reverse();
  return element("ol", { class: "level-names", "aria-hidden": "true" }, ...names);
}

/** @param {any} node @param {number} l @returns {string} */
export function chunkKey(node, l) {
  return `${l} ${node.characters.join("\u0000")}`;
}

/** @param {any} node @param {number} l @param {number} largest @param {Set<string>} before @param {number} letters that have room */
function nodeBox(node, l, largest, before, letters) {
  const heat = element("canvas", { class: "heat", "aria-hidden": "true" });
  paintHeat(heat, node.values, largest);
  const only = node.characters.every(isPadding);
  const kind = `node${only ? " padding" : ""}${before.has(chunkKey(node, l)) ? " known" : ""}${node.shared > 1 ? " shared" : ""}`;
  const last = node.characters[node.characters.length - 1];
  const name = l === 0 ? (isPadding(last) ? "·" : characterShown(last)) : shortened(chunkText(node), letters);
  const all = only ? "padding" : l === 0 ? name : chunkText(node).replace(/^·+/, "");
  const label = l === 0 ? `Leaf ${all}` : `Level ${l}, ${all}`;
  const share = node.shared > 1 ? `, shared ${counted(node.shared, "time")}` : "";
  return element(
    "button",
    { type: "button", class: kind, "aria-label": label + share },
    heat,
    element("bdi", { class: "chunk", "aria-hidden": "true" }, name),
    node.shared > 1 ? element("span", { class: "times", "aria-hidden": "true" }, `×${node.shared}`) : null,
  );
}

/** @param {string} text @param {number} most characters @returns {string} its end, where it is long */
function shortened(text, most) {
  if (/^·+$/.test(text)) return text.length > 1 ? `${text.length}×·` : "·";
  const characters = Array.from(text.replace(/^·+(?=.)/, ""));
  return characters.length > most ? `…${characters.slice(1 - most).join("")}` : characters.join("");
}

/** @param {any} node @param {number} l @param {any[]} levels @returns {string} */
function nodeSentence(node, l, levels) {
  const what = l === 0 ? "Leaf" : `Level ${l}`;
  const [least, most] = [Math.min(...node.values), Math.max(...node.values)];
  const paddings = node.characters.filter(isPadding).length;
  const text = node.characters.filter((character) => !isPadding(character)).join("");
  const chunk =
    paddings === node.characters.length
      ? `${counted(paddings, "place")} of padding`
      : `“${text}”${paddings ? ` after ${counted(paddings, "place")} of padding` : ""}`;
  const shared =
    node.shared > 1
      ? ` ${node.shared} of the string's contexts share this chunk, so it is computed once for all of them.`
      : "";
  const same = l === levels.length - 1 ? " It sees the whole context." : "";
  return `${what}: ${chunk}. ${counted(node.values.length, "number")} from ${least.toFixed(2)} to ${most.toFixed(2)}.${same}${shared}`;
}

/** Arrow keys: left and right in a level, up to the parent, down to the first child. */
function movedInTree(event, inside, levels, l, i) {
  const parent =
    l + 1 < levels.length ? levels[l + 1].nodes.findIndex((_, j) => childrenOf(levels, l + 1, j).includes(i)) : -1;
  const children = l > 0 ? childrenOf(levels, l, i) : [];
  const aims = {
    ArrowLeft: [l, i - 1],
    ArrowRight: [l, i + 1],
    ArrowUp: [l + 1, parent],
    ArrowDown: [l - 1, children[children.length - 1]],
  };
  const aim = aims[event.key];
  const box = aim && inside.querySelector(`[data-at="${aim[0]} ${aim[1]}"]`);
  if (!box) return;
  event.preventDefault();
  for (const other of inside.querySelectorAll("[data-at]")) other.tabIndex = other === box ? 0 : -1;
  box.focus();
}

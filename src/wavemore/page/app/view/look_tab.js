/** Looking inside: the tree of a string's last context, and what the model expects next, at every key. */

import { readAsKnown, readingText, unknownNames } from "./as_known.js";
import { afterPause, announce, byId, element } from "./elements.js";
import { stepName } from "./explained.js";
import { characterShown, counted, END_SHOWN, inWords, percent, whole } from "./numbers.js";
import { chunkKey, drawTree } from "./tree_drawing.js";
import { secondCycle, shapesOf } from "./tree_layout.js";
import { chosenLabel, offerLabels } from "./wish_form.js";

const NEXT_SHOWN = 8;

export class LookTab {
  /** @param {any} page link, examples */
  constructor(page) {
    this.page = page;
    this.job = 0;
    /** @type {Set<string>} */
    this.before = new Set();
    byId("typed").addEventListener("input", () => this.look());
    this.speak = afterPause(() => announce(this.spoken), 900);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.look());
  }

  /** @param {any} about the model */
  learned(about) {
    this.about = about;
    offerLabels(about.labels ?? [], byId("look-labels"), () => this.look());
  }

  /** Begin with most of a string that was made, as soon as there is one; not where something was typed meanwhile. */
  opened() {
    const example = Array.from(this.page.examples()[0] ?? "");
    if (!this.begun && byId("typed").value === "")
      byId("typed").value = example.slice(0, Math.max(1, example.length - 1)).join("");
    this.begun ||= example.length > 0;
    this.look();
  }

  /** Ask for the tree of what stands there; one that was asked for before is not worked out any more. */
  look() {
    this.page.link.stop(this.job);
    this.reading = readAsKnown(byId("typed").value.normalize("NFC"), this.page.known);
    const string = this.reading.text;
    const label = chosenLabel(byId("look-labels"));
    this.job = this.page.link.ask({ ask: "tree", string, label }, (tree) => {
      if (tree.error !== undefined) this.trouble(tree.error);
      else this.show(tree);
    });
  }

  /** @param {string} sentence */
  trouble(sentence) {
    byId("look-said").textContent = sentence;
    byId("look-said").classList.add("remark");
    byId("next").replaceChildren(); // those of what stood there before
    byId("tree-part").hidden = true;
    this.spoken = sentence;
    this.speak();
  }

  /** @param {any} tree */
  show(tree) {
    const said = [this.unknownText(tree), readingText([this.reading], this.page.known)].filter(Boolean).join(" ");
    byId("look-said").textContent = said;
    byId("look-said").classList.toggle("remark", Boolean(tree.unknown));
    this.showNext(tree.probabilities);
    byId("tree-part").hidden = false;
    const levels = tree.levels ?? [];
    byId("tree").hidden = levels.length === 0;
    for (const id of ["legend", "shapes-part", "node-said"]) byId(id).hidden = levels.length === 0;
    byId("tree-said").textContent = treeText(levels, tree.network, this.about);
    if (levels.length === 0) return;
    drawTree(byId("tree"), levels, (sentence) => (byId("node-said").textContent = sentence), this.before);
    this.before = new Set(levels.flatMap((level, l) => level.nodes.map((node) => chunkKey(node, l))));
    const rows = shapesOf(levels, tree.probabilities.length).map(({ step, shape, meaning }) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, step),
        element("td", { class: "code" }, shape),
        element("td", {}, meaning),
      ),
    );
    const head = ["Step", "Shape (B, T, C)", "What it is"].map((title) => element("th", { scope: "col" }, title));
    byId("shapes").replaceChildren(element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
  }

  /** @param {any} tree @returns {string} which characters the model does not know, and what the tree is of */
  unknownText(tree) {
    if (!tree.unknown) return "";
    const before = tree.string.slice(0, tree.string.indexOf(tree.unknown));
    const names = inWords(unknownNames(tree.string, this.page.known));
    const what = before ? `“${before}”, which stands before` : "the beginning of any string, as nothing stands before";
    return `The model does not know ${names}; this is the tree of ${what}.`;
  }

  /** @param {{character: string, probability: number}[]} probabilities of all characters and the end */
  showNext(probabilities) {
    const sorted = [...probabilities].sort((a, b) => b.probability - a.probability);
    const shown = sorted.slice(0, NEXT_SHOWN);
    const others = sorted.slice(NEXT_SHOWN).reduce((sum, one) => sum + one.probability, 0);
    const bar = (name, share, kind, add) => {
      const strip = element("span", { class: "strip", "aria-hidden": "true" });
      strip.style.width = `${100 * (share / Math.max(shown[0].probability, others, 1e-9))}%`; // one scale for all
      const tag = add ? "button" : "span";
      const item = element(tag, {
        class: `bet ${kind}`,
        ...(add ? { type: "button", title: "Add it", click: add } : {}),
      });
      item.append(
        element("bdi", { class: "bet-name" }, name),
        element("span", { class: "track" }, strip),
        element("span", { class: "share" }, percent(share)),
      );
      return element("li", {}, item);
    };
    const bars = shown.map(({ character, probability }) => {
      const end = character === "end";
      return bar(
        end ? `${END_SHOWN} end` : characterShown(character),
        probability,
        end ? "end" : "",
        end ? null : () => this.add(character),
      );
    });
    const rest = sorted.length - shown.length;
    if (rest > 0) bars.push(bar(`${whole(rest)} others`, others, "others", null));
    byId("next").replaceChildren(...bars);
    this.spoken = `Next: ${inWords(shown.slice(0, 3).map((one) => `${stepName(one.character)} ${percent(one.probability)}`))}`;
    this.speak();
  }

  /** @param {string} character */
  add(character) {
    byId("typed").value += character;
    byId("typed").focus();
    this.look();
  }
}

/** @param {any[]} levels @param {string | null} network @param {any} about the model @returns {string} */
function treeText(levels, network, about) {
  if (levels.length === 0)
    return "This model counts pieces of strings (n-grams) and has no network, so there is no tree to show.";
  const leaves = levels[0].nodes.length;
  const cycle = secondCycle(levels);
  const overlap = cycle
    ? ` Levels overlap, so nodes side by side have characters in common: at level ${cycle} a second cycle of dilations begins again with neighbours.`
    : "";
  const of = network ? ` It is the tree ${network.startsWith("with") ? "" : "of "}${network}.` : "";
  return `The last ${counted(leaves, "character")}, the context, stand at the bottom; padding stands before a short string. Each level joins nodes; the characters below a node are its chunk, and the top sees all.${overlap}${of}${otherShares(about)} Point at a node, or move to it with the keyboard, to read about it.`;
}

/** @param {any} about the model @returns {string} what has a share in the percentages beside the tree */
function otherShares({ networks, ngramShare }) {
  const shares = [];
  if (networks > 1) shares.push(`the logits of ${networks} networks are averaged`);
  if (ngramShare) shares.push(`n-grams have a share of ${percent(ngramShare)}`);
  return shares.length ? ` The percentages above come from more than this tree: ${shares.join(", and ")}.` : "";
}

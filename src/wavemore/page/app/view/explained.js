/** A string explained: each character, how probable it was, and what was expected in its place. */

import { element } from "./elements.js";
import { characterName, characterShown, END_SHOWN, percent } from "./numbers.js";

/** @typedef {{character: string, logProbability: number, expected: {character: string, probability: number}[]}} Step */

/** @param {string} character or "end" @returns {string} in words */
export function stepName(character) {
  return character === "end" ? "the end" : characterName(character);
}

/** @param {Step["expected"]} expected @returns {string} "a 50 %, i 20 %, the end 12 %" */
export function expectedText(expected) {
  return expected.map((one) => `${stepName(one.character)} ${percent(one.probability)}`).join(", ");
}

/** @param {number} bits of surprise, NaN where there is no telling @returns {number} from 0, expected, to 4, hardly possible */
export function surpriseLevel(bits) {
  if (Number.isNaN(bits)) return 0;
  return bits < 2 ? 0 : bits < 4 ? 1 : bits < 6.5 ? 2 : bits < 10 ? 3 : 4;
}

/** @param {string} character one, or "end" @param {number} bits @param {string} [tag] @returns {HTMLElement} a box, coloured by surprise */
export function characterBox(character, bits, tag = "span") {
  const shown = character === "end" ? END_SHOWN : characterShown(character);
  return element(tag, { class: `box s${surpriseLevel(bits)}` }, element("bdi", {}, shown));
}

/**
 * @param {string} string
 * @param {Step[]} steps one for each character, and one for the end
 * @returns {HTMLElement} a table
 */
export function explainedString(string, steps) {
  const rows = steps.map((step) => {
    const probability = Math.exp(step.logProbability);
    const character = element("th", { scope: "row" }, characterBox(step.character, -step.logProbability / Math.LN2));
    if (step.character === "end") character.append(element("span", { class: "unseen" }, "the end"));
    const others = step.expected
      .slice(0, 4)
      .map((one) =>
        element(
          "span",
          { class: one.character === step.character ? "expected came" : "expected" },
          element("bdi", {}, one.character === "end" ? "end" : characterShown(one.character)),
          ` ${percent(one.probability)}`,
        ),
      );
    return element(
      "tr",
      {},
      character,
      element("td", { class: "number" }, percent(probability)),
      element("td", {}, ...others),
    );
  });
  const head = ["Character", "Probability", "Expected there"].map((title, i) =>
    element("th", { scope: "col", class: i === 1 ? "number" : null }, title),
  );
  return element(
    "table",
    { class: "steps" },
    element("caption", { class: "unseen" }, `${string}, character by character`),
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows),
  );
}

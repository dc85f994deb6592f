/** The form of conditions, read as a wish. */

import { readAsKnown, readingText } from "./as_known.js";
import { byId, element } from "./elements.js";

const COUNT_TROUBLE = "How many must be a whole number from 1 to 10,000.";
const LENGTH_TROUBLE = "A length must be a whole number from 0 to 1,000.";

/** @param {number} place of the slider, from -10, likely, to 10, strange @returns {number} from 0.3 to 2, 1 in the middle */
export function temperatureAt(place) {
  return Number((1 + place * (place < 0 ? 0.07 : 0.1)).toFixed(2));
}

/** @param {number} temperature @returns {string} in words */
export function strangenessText(temperature) {
  if (temperature === 1) return "in the middle: as the model finds them";
  if (temperature < 1) return temperature < 0.6 ? "very likely ones, much alike" : "likelier than the model's own";
  return temperature > 1.4 ? "very strange ones" : "stranger than the model's own";
}

/**
 * @param {Set<string>} known the characters of the model, as which texts are read
 * @returns {any} what is asked for, as the worker takes it; with `trouble`, a sentence, where a field is wrong
 */
export function wishOf(known) {
  const form = byId("form");
  const text = (name) => form.elements[name].value;
  const number = (name) => (text(name).trim() === "" ? null : Number(text(name)));
  const ticked = (name) => form.elements[name].checked && !form.elements[name].disabled;
  const wish = {
    count: number("count") ?? 10,
    ...Object.fromEntries(textsOf(known).map(({ name, reading }) => [name, reading.text])),
    minLength: number("minLength"),
    maxLength: number("maxLength"),
    pattern: text("pattern"),
    isNew: ticked("isNew"),
    temperature: temperatureAt(Number(text("temperature"))),
    plausible: ticked("plausible"),
    likeliest: ticked("likeliest"),
    label: chosenLabel(byId("form-labels")),
    seed: null,
  };
  const unread = [...form.elements].find((field) => field.validity?.badInput); // a browser gives "" for "1e" or "-"
  return { ...wish, trouble: unread ? notNumber(unread) : troubleOf(wish) };
}

/** What stands in the fields of texts; a pattern is not among them. @param {Set<string>} known */
function textsOf(known) {
  const names = ["startsWith", "endsWith", "contains", "only", "never"];
  return names.map((name) => ({ name, reading: readAsKnown(byId("form").elements[name].value, known) }));
}

/** @param {HTMLInputElement} field */
function notNumber(field) {
  return field.name === "count" ? COUNT_TROUBLE : LENGTH_TROUBLE;
}

/** @param {any} wish @returns {string | null} */
function troubleOf(wish) {
  if (!Number.isInteger(wish.count) || wish.count < 1 || wish.count > 10_000)
    return COUNT_TROUBLE;
  for (const length of [wish.minLength, wish.maxLength]) {
    if (length !== null && (!Number.isInteger(length) || length < 0 || length > 1000))
      return LENGTH_TROUBLE;
  }
  if (wish.minLength !== null && wish.maxLength !== null && wish.minLength > wish.maxLength) {
    return `No string has at least ${wish.minLength} and at most ${wish.maxLength} characters.`;
  }
  return null;
}

/** Fields that make no sense together are switched off, and said to be. @param {any} about the model @param {Set<string>} known */
export function settleForm(about, known) {
  const { temperature, plausible, likeliest, isNew } = byId("form").elements;
  const chosen = temperatureAt(Number(temperature.value));
  temperature.disabled = likeliest.checked;
  plausible.disabled = likeliest.checked || chosen !== 1;
  const readings = textsOf(known).map(({ reading }) => reading);
  byId("read-said").textContent = readingText(readings, known);
  byId("strange-said").textContent = likeliest.checked ? "not with the likeliest first" : strangenessText(chosen);
  byId("plausible-said").textContent =
    plausible.disabled && !likeliest.checked
      ? "only with the slider in the middle"
      : "what surprises the model more than real strings do";
  if (about.knowsList === false) {
    isNew.disabled = true;
    byId("new-said").textContent = "this model does not keep which strings it learned from";
  }
}

/**
 * Choices for the labels of a model, one for each kind.
 * @param {{name: string, values: string[]}[]} labels
 * @param {HTMLElement} place
 * @param {() => void} changed
 */
export function offerLabels(labels, place, changed) {
  for (const { name, values } of labels) {
    const options = values.map((value) => element("option", { value }, value));
    const choice = element(
      "select",
      { "data-kind": name, change: changed },
      element("option", { value: "" }, "any"),
      ...options,
    );
    place.append(element("label", {}, `${capitalised(name)} `, choice));
  }
}

/** @param {string} text */
function capitalised(text) {
  const [first = "", ...others] = text;
  return first.toUpperCase() + others.join("");
}

/** @param {HTMLElement} place @returns {Record<string, string> | null} the labels that are chosen there */
export function chosenLabel(place) {
  const chosen = [...place.querySelectorAll("select")].filter((choice) => choice.value !== "");
  return chosen.length ? Object.fromEntries(chosen.map((choice) => [choice.dataset.kind, choice.value])) : null;
}

/** The rows of strings that were made or kept: a string, and what can be done with it. */

import { announce, element, icon, stringElement } from "./elements.js";
import { explainedString } from "./explained.js";
import { characterName } from "./numbers.js";

/** @typedef {{has: (string: string) => boolean, toggle: (string: string, logLikelihood: number) => boolean}} Keeping */

/**
 * A row: the string and its buttons.
 * @param {{string: string, logLikelihood: number}} made
 * @param {{link: any, label: () => object | null, keeping: Keeping, kept?: boolean}} page
 * @returns {HTMLElement}
 */
export function madeRow(made, page) {
  const named = nameOf(made.string);
  const row = element("li", { "data-string": made.string }, shownString(made.string));
  const keep = page.kept
    ? action("remove", `Remove ${named}`, () => page.keeping.toggle(made.string, made.logLikelihood))
    : action("keep", `Keep ${named}`, () => page.keeping.toggle(made.string, made.logLikelihood));
  if (!page.kept) keep.setAttribute("aria-pressed", String(page.keeping.has(made.string)));
  const copy = action("copy", `Copy ${named}`, () => copied(made.string, copy));
  const explain = action("explain", `Explain ${named}`, () => toggleExplained(row, explain, made.string, page));
  explain.setAttribute("aria-expanded", "false");
  row.append(element("span", { class: "actions" }, keep, copy, explain));
  return row;
}

/** @param {string} string @returns {string} as buttons name it */
function nameOf(string) {
  return string === "" ? "the empty string" : string.trim() === "" ? characterName(string[0]) : string;
}

/** @param {string} string @returns {HTMLElement} */
function shownString(string) {
  return string === "" ? element("em", { class: "string empty" }, "the empty string") : stringElement(string);
}

/** @param {string} name of the icon @param {string} said @param {() => void} done @returns {HTMLElement} */
function action(name, said, done) {
  const title = said.split(" ")[0];
  return element(
    "button",
    { type: "button", class: `act ${name}`, "aria-label": said, title, click: done },
    icon(name),
  );
}

/** @param {string} string @param {HTMLElement} button */
async function copied(string, button) {
  try {
    await navigator.clipboard.writeText(string);
  } catch {
    if (!copiedTheOldWay(string)) {
      announce("The browser does not let this page copy; select the string and copy it by hand.");
      return;
    }
  }
  announce(`${nameOf(string)} copied`);
  button.replaceChildren(icon("done"));
  button.title = "Copied";
  setTimeout(() => {
    button.replaceChildren(icon("copy"));
    button.title = "Copy";
  }, 1500);
}

/** Copy where there is no clipboard, as in pages on a plain address. @param {string} string @returns {boolean} */
function copiedTheOldWay(string) {
  const before = document.activeElement;
  const field = element("textarea", { class: "unseen" });
  field.value = string;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (before instanceof HTMLElement) before.focus();
  return done;
}

/** @param {HTMLElement} row @param {HTMLElement} button @param {string} string @param {any} page */
async function toggleExplained(row, button, string, page) {
  const open = row.querySelector(".explained");
  button.setAttribute("aria-expanded", String(open === null));
  row.classList.toggle("open", open === null);
  if (open) {
    open.remove();
    return;
  }
  const place = element("div", { class: "explained" });
  row.append(place);
  try {
    const answer = await page.link.one({ ask: "explain", string, label: page.label() });
    place.replaceChildren(explainedString(string, answer.rows));
  } catch (error) {
    place.textContent = error.message;
  }
}

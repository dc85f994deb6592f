/** Making elements. Strings of the model enter the page as text nodes only, never as markup. */

/**
 * An element with attributes and children. An attribute that is a function is a listener ("click"), true stands alone,
 * false and null are left out.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string | null)} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/**
 * A string of the model, whichever way its script runs.
 * @param {string} string
 * @param {string} [kind] the class
 */
export function stringElement(string, kind = "string") {
  return element("bdi", { class: kind, dir: "auto" }, string);
}

/** @param {string} id @returns {any} the element of the page with this id */
export function byId(id) {
  return document.getElementById(id);
}

const SVG = "http://www.w3.org/2000/svg";

/** @param {string} tag @param {Record<string, any>} attributes @param {...Node} children @returns {SVGElement} */
export function drawn(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

const ICONS = {
  keep: "M12 3.6l2.6 5.3 5.9.9-4.2 4.1 1 5.8-5.3-2.8-5.3 2.8 1-5.8L3.5 9.8l5.9-.9z",
  copy: "M9 9h10v11H9zM5.5 15.5V4.5h9",
  explain: "M5 20v-6M10 20V9M15 20v-8M20 20V4",
  remove: "M6 6l12 12M18 6L6 18",
  done: "M5 12.5l4.5 4.5L19 7.5",
};

/** @param {keyof typeof ICONS} name @returns {SVGElement} a line drawing that is hidden from screen readers */
export function icon(name) {
  return drawn(
    "svg",
    { viewBox: "0 0 24 24", class: `icon ${name}`, "aria-hidden": "true" },
    drawn("path", { d: ICONS[name] }),
  );
}

/**
 * Say something to screen readers, politely and once.
 * @param {string} sentence
 */
export function announce(sentence) {
  const region = byId("spoken");
  region.textContent = "";
  setTimeout(() => (region.textContent = sentence), 50);
}

/**
 * The function, called once when nothing was asked of it for so long; its `cancel` lets it be.
 * @param {() => void} called
 * @param {number} milliseconds
 */
export function afterPause(called, milliseconds) {
  let waiting = 0;
  const cancel = () => clearTimeout(waiting);
  const soon = () => {
    cancel();
    waiting = setTimeout(called, milliseconds);
  };
  return Object.assign(soon, { cancel });
}

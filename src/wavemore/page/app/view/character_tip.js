/** The small box that says what was expected at a character: by mouse, finger and keyboard alike. */

import { byId } from "./elements.js";
import { expectedText, stepName } from "./explained.js";
import { percent } from "./numbers.js";

export class CharacterTip {
  /** @param {any} page link @param {() => object | null} label */
  constructor(page, label) {
    this.page = page;
    this.label = label;
    /** @type {Map<string, Promise<any>>} */
    this.known = new Map();
    this.box = byId("tip");
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.hide());
    document.addEventListener("scroll", () => this.shown && this.place(this.shown), { capture: true, passive: true });
  }

  /** Let the characters of a table tell. @param {HTMLElement} table */
  watch(table) {
    const at = (event) => event.target instanceof Element && event.target.closest("[data-place]");
    const focused = () => table.contains(document.activeElement) && at({ target: document.activeElement });
    const left = () => (focused() ? this.show(focused()) : this.hide()); // the mouse has left, the focus may be there still
    table.addEventListener("mouseover", (event) => (at(event) ? this.show(at(event)) : left()));
    table.addEventListener("mouseleave", left);
    table.addEventListener("focusin", (event) => (at(event) ? this.show(at(event)) : this.hide()));
    table.addEventListener("focusout", () => this.hide());
    table.addEventListener("click", (event) => at(event) && (at(event).focus(), this.show(at(event))));
    table.addEventListener("keydown", (event) => at(event) && moved(event, at(event)));
  }

  /** Forget what was told under another label. */
  forget() {
    this.known.clear();
    this.hide();
  }

  hide() {
    this.box.hidden = true;
    this.shown?.removeAttribute("aria-describedby");
    this.shown = null;
  }

  /** @param {HTMLElement} box of a character */
  async show(box) {
    if (this.shown === box) return;
    this.hide();
    this.shown = box;
    const string = box.closest("[data-string]").dataset.string;
    if (this.known.size > 2000) this.known.clear();
    if (!this.known.has(string))
      this.known.set(string, this.page.link.one({ ask: "explain", string, label: this.label() }));
    try {
      const answer = await this.known.get(string);
      if (this.shown === box) this.tell(box, answer.rows[Number(box.dataset.place)]);
    } catch (error) {
      if (this.shown === box) this.say(box, error.message);
    }
  }

  /** @param {HTMLElement} box @param {any} step */
  tell(box, step) {
    const came = Number.isFinite(step.logProbability) ? percent(Math.exp(step.logProbability)) : "unknown to the model";
    this.say(box, `${stepName(step.character)}: ${came}. Expected here: ${expectedText(step.expected)}`);
  }

  /** @param {HTMLElement} box @param {string} sentence */
  say(box, sentence) {
    this.box.textContent = sentence;
    this.box.hidden = false;
    box.setAttribute("aria-describedby", "tip");
    this.place(box);
  }

  /** Below the character, or above it where there is no room. @param {HTMLElement} box */
  place(box) {
    const tip = this.box;
    tip.style.left = "0"; // where it has room to be as wide as it likes
    const { left, top, bottom } = box.getBoundingClientRect();
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    const below = bottom + 6 + tip.offsetHeight < window.innerHeight;
    tip.style.left = `${Math.max(8, Math.min(left, room))}px`;
    tip.style.top = `${below ? bottom + 6 : top - 6 - tip.offsetHeight}px`;
  }
}

/** One tab stop for each string; arrow keys move inside it. @param {KeyboardEvent} event @param {HTMLElement} box */
function moved(event, box) {
  const boxes = [...box.parentElement.querySelectorAll("[data-place]")];
  const i = boxes.indexOf(box);
  const next = { ArrowRight: boxes[i + 1], ArrowLeft: boxes[i - 1], Home: boxes[0], End: boxes[boxes.length - 1] }[
    event.key
  ];
  if (!next) return;
  event.preventDefault();
  box.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

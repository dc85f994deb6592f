/** Making strings: ten at once on opening, others at every change of a condition. */

import { afterPause, announce, byId, element } from "./elements.js";
import { madeRow } from "./made_rows.js";
import { counted, whole } from "./numbers.js";
import { settleForm, wishOf } from "./wish_form.js";

const ROWS_SHOWN = 200;

/** @param {string} text @returns {string} */
function asSentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

export class MakeTab {
  /** @param {any} page link, label, keeping, about */
  constructor(page) {
    this.page = page;
    /** @type {{string: string, logLikelihood: number}[]} */
    this.made = [];
    this.job = 0;
    const soon = afterPause(() => this.make(), 350);
    byId("make").addEventListener("click", () => this.make());
    byId("stop").addEventListener("click", () => this.stopped());
    byId("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.make();
    });
    byId("form").addEventListener("input", () => {
      this.settle();
      soon();
    });
    byId("form").addEventListener("reset", () => setTimeout(() => (this.settle(), this.make())));
    this.settle();
  }

  settle() {
    settleForm(this.page.about, this.page.known);
    const { count, likeliest } = wishOf(this.page.known);
    const strings = count > 0 && Number.isInteger(count) ? counted(count, "string") : "strings";
    byId("make").textContent = likeliest
      ? `Make the ${strings} that are likeliest`
      : `Make ${strings.replace("string", "new string")}`;
  }

  make() {
    this.page.link.stop(this.job);
    clearTimeout(this.offersStop);
    const wish = wishOf(this.page.known);
    this.fresh = true;
    if (wish.trouble) {
      this.begin(); // the strings of the conditions before are none of these
      this.ended(wish.trouble, true);
      return;
    }
    this.wanted = wish.count;
    const job = this.page.link.ask({ ask: "sample", wish }, (answer) => this.came(answer));
    this.job = job;
    const offer = () => {
      if (this.job === job) this.offersStop = setTimeout(() => (byId("stop").hidden = false), 300); // most have ended by then
    };
    this.page.link.ready.then(offer, () => {});
  }

  /** The strings of the job before go when this one first answers, so that the list does not flicker. */
  begin() {
    if (!this.fresh) return;
    this.made = [];
    byId("made").replaceChildren();
    byId("made-more").replaceChildren();
    this.fresh = false;
  }

  /** @param {any} answer a portion of strings */
  came(answer) {
    this.begin();
    if (answer.error !== undefined) {
      this.ended(answer.error, true);
      return;
    }
    const strings = answer.strings ?? [];
    if (strings.length && !this.marked) this.marked = performance.mark("first strings");
    this.made.push(...strings);
    const shown = byId("made").children.length;
    byId("made").append(...this.made.slice(shown, ROWS_SHOWN).map((made) => madeRow(made, this.page)));
    if (answer.done) this.ended(this.summary(answer), this.made.length < this.wanted);
    else if (!byId("stop").hidden) this.said(this.progress(answer.looked), false);
  }

  /** @param {number | undefined} looked how many strings were tried @returns {string} */
  progress(looked) {
    const tried = looked > this.made.length ? `; ${whole(looked)} tried` : "";
    return `${whole(this.made.length)} of ${whole(this.wanted)} so far${tried}`;
  }

  /** @param {any} answer the last one @returns {string} */
  summary(answer) {
    const { made, wanted } = this;
    const few = made.length === 1 ? "Only 1 string came" : `Only ${counted(made.length, "different string")} came`;
    const came = made.length === 0 ? "No string came" : few;
    const why = answer.reason ? `${came}: ${answer.reason}` : came;
    return [...(made.length < wanted ? [why] : []), ...(answer.notes ?? [])].map(asSentence).join(" ");
  }

  stopped() {
    this.page.link.stop(this.job);
    this.begin();
    this.ended(`Stopped: ${whole(this.made.length)} of ${whole(this.wanted)} came.`, true);
    byId("make").focus();
  }

  /** @param {string} sentence @param {boolean} remarkable */
  ended(sentence, remarkable) {
    this.job = 0;
    clearTimeout(this.offersStop);
    byId("stop").hidden = true;
    this.said(sentence, remarkable);
    const made = this.made.length >= this.wanted ? `${counted(this.made.length, "string")} made` : "";
    announce([made, sentence].filter((one) => one).join(". "));
    this.offerMore();
    this.page.firstCame();
  }

  /** @param {string} sentence @param {boolean} remarkable */
  said(sentence, remarkable) {
    byId("made-said").textContent = sentence.charAt(0).toUpperCase() + sentence.slice(1);
    byId("made-said").classList.toggle("remark", remarkable);
  }

  /** Of many strings some are shown; the others wait for a press, and all can be downloaded. */
  offerMore() {
    const shown = byId("made").children.length;
    const left = this.made.length - shown;
    const more = element(
      "button",
      { type: "button", click: () => this.showMore() },
      `Show ${whole(Math.min(left, ROWS_SHOWN))} more of ${whole(this.made.length)}`,
    );
    byId("made-more").replaceChildren(...(left > 0 ? [more] : []));
    if (this.made.length > 20) {
      const keepAll = element(
        "button",
        { type: "button", click: () => this.page.keeping.keepAll(this.made) },
        `Keep all ${whole(this.made.length)}`,
      );
      byId("made-more").append(keepAll);
    }
  }

  showMore() {
    const shown = byId("made").children.length;
    byId("made").append(...this.made.slice(shown, shown + ROWS_SHOWN).map((made) => madeRow(made, this.page)));
    byId("made").children[shown].querySelector("button").focus();
    this.offerMore();
  }
}

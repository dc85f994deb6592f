// New strings, as they come: what is asked for is checked first; then strings are drawn, kept or refused.

import { allOf, checkSomeLeft, conditionsOf } from "./conditions.js";
import { AsTheyCome, DrawnFrom } from "./drawing.js";
import { Guided } from "./guided.js";
import { Leading } from "./leading.js";
import { Choice, limitsByItself } from "./plausible.js";
import { Pruning } from "./pruning.js";
import { freshSeed } from "./random.js";
import { Refusal, grouped, inNfc, quoted } from "./texts.js";

const HOPELESS = 1 << 22; // characters drawn in a row without a string to keep
const PATIENCE = 20000; // milliseconds without one
const FIRST_PORTION = 8; // strings: they are there at once
const LEAST_AT_ONCE = 4;
const MOST_AT_ONCE = 8192;
const PORTION_TIME = 20; // milliseconds that a portion should take
const MOST_STRINGS = 10000000;

/** How many strings to draw at once so that it takes about as long as it should. */
class Pace {
  constructor() {
    this.size = FIRST_PORTION;
    this.since = 0;
  }

  begin() {
    this.since = performance.now();
    return this.size;
  }

  end(tried) {
    const took = Math.max(performance.now() - this.since, 0.1);
    const fitting = (tried * PORTION_TIME) / took;
    this.size = Math.round(Math.max(LEAST_AT_ONCE, Math.min(fitting, 2 * this.size, MOST_AT_ONCE)));
  }
}

/**
 * Checks the numbers of a wish. Throws a Refusal.
 * @param {import("./conditions.js").Wish} wish
 * @returns {{count: number, temperature: number, seed: number}}
 */
export function checkedNumbers(wish) {
  const { count } = wish;
  const temperature = wish.temperature ?? 1;
  const seed = wish.seed ?? freshSeed();
  if (!(Number.isSafeInteger(count) && count >= 0 && count <= MOST_STRINGS)) {
    const most = grouped(MOST_STRINGS);
    throw new Refusal(`the number of strings is ${count}; it must be a whole number from 0 to ${most}`);
  }
  if (!(typeof temperature === "number" && temperature > 0 && temperature < Infinity)) {
    throw new Refusal(`the temperature is ${temperature}; it must be a finite number above 0`);
  }
  if (!(Number.isSafeInteger(seed) && seed >= 0)) {
    throw new Refusal(`the seed is ${seed}; it must be a whole number of 0 or more`);
  }
  return { count, temperature, seed };
}

/**
 * Which finished strings are not wanted. Throws a Refusal where the model cannot tell which are new.
 * @param {import("./models.js").Asked} asked
 * @param {boolean | undefined} isNew
 * @returns {(string: string) => boolean}
 */
export function refusalOf(asked, isNew) {
  if (!isNew) return () => false;
  if (asked.model.seen("") === null) {
    throw new Refusal(
      "this model does not know which strings were on its list (data.remember was false, or an older version made " +
        "it), so it cannot tell which strings are new",
    );
  }
  return (string) => asked.model.seen(inNfc(string)) === true;
}

/**
 * Where strings come from that meet the conditions.
 * @param {import("./models.js").Asked} asked
 * @param {import("./conditions.js").Wish} wish
 * @param {{temperature: number, seed: number}} numbers
 * @param {(string: string) => boolean} refused
 */
function sourceOf(asked, wish, numbers, refused) {
  const { alphabet, contexts, longest } = asked;
  const automaton = allOf(conditionsOf(wish, alphabet), alphabet);
  const from = (prefix, room) =>
    new DrawnFrom(contexts, alphabet, numbers.temperature, prefix, room, numbers.seed);
  if (automaton === null) return { source: new AsTheyCome(from([], longest)), known: false, filtered: false };
  if (wish.isNew) checkSomeLeft(automaton, alphabet, refused);
  const { ids, state } = automaton.forced();
  // Strings may be as long as the model's, or twice as long as the shortest that meets the conditions if that is more.
  const drawn = from(ids, Math.max(longest, 2 * automaton.distance[0]));
  if (drawn.begun === 0) {
    throw new Refusal(
      `every string that meets the conditions begins with ${quoted(drawn.beginning)}, and the model makes no such ` +
        "string; ask for fewer conditions",
    );
  }
  if (ids.length > 0 && automaton.freeFrom(state)) {
    return { source: new AsTheyCome(drawn), known: true, filtered: false };
  }
  return { source: new Pruning(drawn, automaton, state, refused), known: true, filtered: true };
}

/**
 * A job that draws strings: each value is an answer, and between two of them others may work.
 * @param {import("./models.js").Asked} asked
 * @param {import("./conditions.js").Wish} wish
 * @returns {Generator<object, void, void>}
 */
export function* sampling(asked, wish) {
  const numbers = checkedNumbers(wish);
  const refused = refusalOf(asked, wish.isNew);
  const { source: first, known, filtered } = sourceOf(asked, wish, numbers, refused);
  let source = first;
  const leading = source instanceof Pruning ? new Leading(source) : null;
  if (wish.plausible && asked.limits === null) {
    const pilot = limitsByItself(asked.contexts, asked.alphabet, asked.longest);
    let step = pilot.next();
    for (; !step.done; step = pilot.next()) yield { strings: [], looked: 0, done: false, reason: null };
    asked.limits = step.value;
  }
  const limits = wish.plausible ? asked.limits : null;
  const choice = limits && new Choice(limits);
  const pace = new Pace();
  const tally = { found: 0, looked: 0, inVain: 0, lookedInVain: 0, since: performance.now() };
  let missing = numbers.count;
  const answer = (items, done = false, reason = null) => {
    const strings = items.slice(0, missing);
    missing -= strings.length;
    tally.found += strings.length;
    const told = { strings, looked: tally.looked, done: done || missing === 0, reason };
    if (known && source.share >= 0) told.share = source.share;
    if (source instanceof Guided) told.clipped = source.clipped;
    if (choice) told.implausible = choice.implausible;
    return told;
  };
  while (missing > 0) {
    if (source.exhausted) {
      const rest = choice ? choice.rest() : [];
      yield answer(rest, true, exhaustedReason(tally.found + Math.min(rest.length, missing), numbers.count));
      return;
    }
    const portion = source.portion(pace.begin());
    pace.end(portion.tried);
    const items = chosen(asked, portion, choice, filtered ? () => false : refused);
    tally.looked += portion.tried;
    const late = performance.now() - tally.since > PATIENCE;
    if (items.length > 0) Object.assign(tally, { inVain: 0, lookedInVain: 0, since: performance.now() });
    else {
      tally.inVain += portion.steps;
      tally.lookedInVain += portion.tried;
      if (tally.inVain >= HOPELESS || late) {
        const rest = choice ? choice.rest() : [];
        yield answer(rest, true, hopelessReason(tally, rest.length));
        return;
      }
    }
    yield answer(items);
    if (leading === null || source !== leading.pruning || missing === 0) continue;
    const better = leading.better(portion.steps);
    let step = better.next();
    const begun = performance.now();
    for (; !step.done; step = better.next()) yield answer([]);
    tally.since += performance.now() - begun; // patience is for what is tried
    if (step.value !== null) source = step.value;
  }
  if (numbers.count === 0) yield answer([], true);
}

/**
 * Of a portion what is taken.
 * @param {import("./models.js").Asked} asked
 * @param {import("./drawing.js").Portion} portion
 * @param {Choice | null} choice
 * @param {(string: string) => boolean} refused
 * @returns {{string: string, logLikelihood: number}[]}
 */
function chosen(asked, portion, choice, refused) {
  const items = [];
  const excess = choice && asked.excess(portion, choice);
  portion.strings.forEach((string, place) => {
    if (refused(string)) return;
    const item = { string, logLikelihood: portion.logLikelihoods[place] };
    const taken = choice ? choice.taken(item, excess(place)) : item;
    if (taken) items.push(taken);
  });
  return items;
}

/**
 * @param {number} found
 * @param {number} count
 */
function exhaustedReason(found, count) {
  if (found >= count) return null;
  return `no other strings meet the conditions: ${grouped(found)} were found, and ${grouped(count)} are asked for`;
}

/**
 * @param {{found: number, looked: number, lookedInVain: number}} tally
 * @param {number} more
 */
function hopelessReason(tally, more) {
  return (
    `looked at ${grouped(tally.looked)} strings, and ${grouped(tally.found + more)} of them can be used; among the ` +
    `last ${grouped(tally.lookedInVain)} there was none: ask for fewer strings or conditions`
  );
}

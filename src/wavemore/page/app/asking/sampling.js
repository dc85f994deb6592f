// New strings, as they come: what is asked for is checked first; then strings are drawn, kept or refused.

import { allOf, checkSomeLeft, conditionsOf } from "./conditions.js";
import { AsTheyCome, DrawnFrom } from "./drawing.js";
import { Guided } from "./guided.js";
import { Leading } from "./leading.js";
import { Passing } from "./passing.js";
import { Choice, limitsByItself } from "./plausible.js";
import { Pruning } from "./pruning.js";
import { freshSeed } from "./random.js";
import { Refusal, grouped, inNfc, quoted } from "./texts.js";
import { exhaustedReason, hopelessReason, notesOf } from "./told.js";

const HOPELESS = 1 << 22; // characters drawn in a row without a string to keep
const PATIENCE = 20000; // milliseconds without one
const [AGAIN, AGAIN_OF_FOUND] = [500, 20]; // in a row that came before, at least, and for each different one
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
 * @param {Passing} passing
 */
function sourceOf(asked, wish, numbers, passing) {
  const { alphabet, contexts, longest } = asked;
  const automaton = allOf(conditionsOf(wish, alphabet), alphabet);
  const from = (prefix, room) =>
    new DrawnFrom(contexts, alphabet, numbers.temperature, prefix, room, numbers.seed);
  if (automaton === null) return { source: new AsTheyCome(from([], longest)), known: false, filtered: false };
  if (wish.isNew) checkSomeLeft(automaton, alphabet, passing.refused);
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
  return { source: new Pruning(drawn, automaton, state, passing), known: true, filtered: true };
}

/**
 * A job that draws strings: each value is an answer, and between two of them others may work.
 * @param {import("./models.js").Asked} asked
 * @param {import("./conditions.js").Wish} wish
 * @returns {Generator<object, void, void>}
 */
export function* sampling(asked, wish) {
  const numbers = checkedNumbers(wish);
  const unique = wish.unique ?? true;
  const passing = new Passing(refusalOf(asked, wish.isNew), unique);
  const { source: first, known, filtered } = sourceOf(asked, wish, numbers, passing);
  let source = first;
  const leading = source instanceof Pruning ? new Leading(source) : null;
  if (wish.plausible && asked.limits === null) {
    const pilot = limitsByItself(asked.contexts, asked.alphabet, asked.longest);
    let step = pilot.next();
    for (; !step.done; step = pilot.next()) yield { strings: [], looked: 0, done: false, reason: null };
    asked.limits = step.value;
  }
  const limits = wish.plausible ? asked.limits : null;
  const choice = limits && new Choice(limits, unique);
  const pace = new Pace();
  const tally = { found: 0, exact: 0, looked: 0, inVain: 0, lookedInVain: 0, since: performance.now() };
  let missing = numbers.count;
  const answer = (items, reasonOf = null) => {
    const strings = items.slice(0, missing);
    missing -= strings.length;
    tally.found += strings.length;
    if (!(source instanceof Guided)) tally.exact += strings.length;
    const done = reasonOf !== null || missing === 0;
    const reason = missing === 0 || reasonOf === null ? null : reasonOf();
    const told = { strings, looked: tally.looked, done, reason };
    const measured = source === leading?.pruning ? leading.known : source;
    if (known && measured.share >= 0) told.share = measured.share;
    if (source instanceof Guided) told.clipped = source.clipped;
    if (choice) told.implausible = choice.implausible;
    if (done && known) {
      const { found, exact } = tally;
      const { share, shareError, shareBelow } = measured;
      const implausible = choice?.implausible ?? 0;
      told.notes = notesOf({ share, shareError, shareBelow, clipped: told.clipped }, { found, exact, implausible });
    }
    return told;
  };
  const rest = () => (choice ? choice.rest(missing) : []);
  while (missing > 0) {
    if (source.exhausted) {
      yield answer(rest(), () => exhaustedReason(tally.found, numbers.count));
      return;
    }
    const portion = source.portion(pace.begin());
    pace.end(portion.tried);
    const items = chosen(asked, portion, choice, filtered ? null : passing, missing);
    tally.looked += portion.tried;
    if (items.length > 0) Object.assign(tally, { inVain: 0, lookedInVain: 0, since: performance.now() });
    else {
      tally.inVain += portion.steps;
      tally.lookedInVain += portion.tried;
      const again = againToTheEnd(source, passing);
      const late = performance.now() - tally.since > PATIENCE;
      if (late && source === leading?.pruning && leading.hopes) leading.hurry();
      else if (late || again > 0 || tally.inVain >= HOPELESS) {
        yield answer(rest(), () => hopelessReason(tally, { isNew: wish.isNew === true, known, again }));
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
    if (step.value !== null) {
      source = step.value;
      tally.since = performance.now(); // and what a guide finds has a patience of its own
    }
  }
  if (numbers.count === 0) yield answer([]);
}

/**
 * How many strings in a row came before, where they are so many that hardly any other is left; else 0. What is tried
 * with a memory is not counted: nothing that its tree has comes again, but it takes some batches until it
 * has a string.
 * @param {AsTheyCome | Pruning | Guided} source
 * @param {Passing} passing
 */
function againToTheEnd(source, passing) {
  if (source instanceof Pruning) return 0;
  return passing.again >= Math.max(AGAIN, AGAIN_OF_FOUND * passing.known.size) ? passing.again : 0;
}

/**
 * Of a portion what is taken.
 * @param {import("./models.js").Asked} asked
 * @param {import("./drawing.js").Portion} portion
 * @param {Choice | null} choice
 * @param {Passing | null} passing null where the source has passed them already
 * @param {number} most how many are wanted: what comes behind them is not counted as taken
 * @returns {{string: string, logLikelihood: number}[]}
 */
function chosen(asked, portion, choice, passing, most) {
  const items = [];
  const excess = choice && asked.excess(portion, choice);
  portion.strings.forEach((string, place) => {
    if (items.length === most || (passing !== null && !passing.takes(string))) return;
    const item = { string, logLikelihood: portion.logLikelihoods[place] };
    const taken = choice ? choice.taken(item, excess(place)) : item;
    if (taken) items.push(taken);
  });
  return items;
}

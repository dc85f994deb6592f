// Beginnings of strings that wait, the likeliest first: a binary heap over typed arrays.

/** A heap of numbered items with a log-probability each. */
export class Heap {
  constructor() {
    this.keys = new Float64Array(1024);
    this.items = new Int32Array(1024);
    this.size = 0;
  }

  /**
   * @param {number} key
   * @param {number} item
   */
  push(key, item) {
    if (this.size === this.keys.length) {
      const [keys, items] = [new Float64Array(2 * this.size), new Int32Array(2 * this.size)];
      keys.set(this.keys);
      items.set(this.items);
      [this.keys, this.items] = [keys, items];
    }
    let place = this.size++;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (this.keys[above] >= key) break;
      this.keys[place] = this.keys[above];
      this.items[place] = this.items[above];
      place = above;
    }
    this.keys[place] = key;
    this.items[place] = item;
  }

  /** The key of the likeliest item; minus infinity where there is none. */
  get highest() {
    return this.size ? this.keys[0] : -Infinity;
  }

  /** Takes out the likeliest item. */
  pop() {
    const item = this.items[0];
    const [key, moved] = [this.keys[--this.size], this.items[this.size]];
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= this.size) break;
      if (below + 1 < this.size && this.keys[below + 1] > this.keys[below]) below++;
      if (this.keys[below] <= key) break;
      this.keys[place] = this.keys[below];
      this.items[place] = this.items[below];
      place = below;
    }
    this.keys[place] = key;
    this.items[place] = moved;
    return item;
  }
}

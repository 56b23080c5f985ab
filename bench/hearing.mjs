// A listener's books: whether notifications come in order, none lost and none doubled, how old they
// are when they arrive, and the queries that the same connection makes meanwhile.

/** One query for so many notifications. */
const EVERY = 100;

/** Where they are sent. */
export const CHANNEL = "bench_busy";

/** Listens, and stops: what others are sent later is not for this connection. */
export const LISTEN = `listen ${CHANNEL}`;
export const UNLISTEN = `unlisten ${CHANNEL}`;

/** Sends n notifications in transactions of so many. */
export const notifySql = (n, size = 100) => `call bench_notify('${CHANNEL}', ${n}, ${size})`;

/** What must be heard of n notifications. */
export const heardAll = (n) => ({ right: n, sum: (n / EVERY) * (n / EVERY + 1) * (EVERY / 2) });

/** Makes the procedure that notifies. What is said is the number, and the time in milliseconds. */
export const notifyingSql = [
  `create or replace procedure bench_notify(channel text, total int4, size int4)
   language plpgsql as $$
   begin
     for n in 0 .. total - 1 loop
       perform pg_notify(channel, n || ' ' || extract(epoch from clock_timestamp()) * 1000);
       if n % size = size - 1 then commit; end if;
     end loop;
   end $$`,
];

/** Hears n notifications; `query` asks for the number that it is given, and gives it or a promise of it. */
export class Hearing {
  #n;
  #query;
  #right = 0;
  #count = 0;
  #answers = [];
  #ages;
  #done;
  #all = new Promise((resolve) => (this.#done = resolve));

  constructor(n, query) {
    this.#n = n;
    this.#query = query;
    this.#ages = new Float64Array(n);
  }

  /** Hears one, as an event handler. */
  hear = ({ payload }) => {
    // The number is what it begins with.
    if (Number.parseInt(payload, 10) === this.#count) this.#right++;
    this.#count++;
    if (this.#count % EVERY === 0) this.#answers.push(this.#query(this.#count));
    if (this.#count === this.#n) this.#done();
  };

  /** The same, and notes its age. */
  hearAndDate = (notify) => {
    const { payload } = notify;
    const sent = Number(payload.slice(payload.indexOf(" ") + 1));
    this.#ages[this.#count] = performance.timeOrigin + performance.now() - sent;
    this.hear(notify);
  };

  /** When all were heard and all queries answered. */
  async result() {
    await this.#all;
    return this.#sum(await Promise.all(this.#answers));
  }

  /** The same for queries that were answered at once. */
  resultNow() {
    return this.#sum(this.#answers);
  }

  #sum(answers) {
    const sum = answers.reduce((total, answer) => total + answer, 0);
    return { right: this.#count === this.#n ? this.#right : -1, sum };
  }

  /** The ages in milliseconds that a half and all but a hundredth of them did not reach. */
  get ages() {
    const sorted = this.#ages.toSorted?.() ?? Float64Array.from(this.#ages).sort();
    const [p50, p99] = [0.5, 0.99].map((part) => sorted[Math.floor(part * (sorted.length - 1))]);
    return { p50, p99 };
  }
}

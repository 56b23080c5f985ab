// The types of ensure.js, for tests.

/** The command line that starts npm, to be followed by its arguments. */
export declare function npmCommand(): string[];

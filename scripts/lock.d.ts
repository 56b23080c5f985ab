// The types of lock.js, for the test harness.

/** Whether a process with this id exists, whoever owns it. */
export declare function isAlive(pid: number): boolean;

/** Runs `work` while holding the lock file at `path`, whose directory must exist. */
export declare function withLock<T>(
  path: string,
  work: (share: (pid: number) => void) => T | Promise<T>,
): Promise<T>;

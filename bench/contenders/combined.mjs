// A contender made of parts: each brings methods, and may have something to do before a workload's rounds
// (`ready`), after its last one (`leave`), and at the end (`close`).

const hooks = ["ready", "leave", "close"];

/** The parts as one. */
export function combined(...parts) {
  const run = (hook) => [
    hook,
    async (...given) => {
      for (const part of parts) await part[hook]?.(...given);
    },
  ];
  return { ...Object.assign({}, ...parts), ...Object.fromEntries(hooks.map(run)) };
}

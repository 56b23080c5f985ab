// pg with its option `pipeline: true`, where it can make a difference: many queries at once.

import { create as createPg } from "./pg.mjs";

export async function create(target) {
  const { version, connect, close, atOnce } = await createPg(target, { pipeline: true });
  return { name: "pg-pipeline", version, connect, close, atOnce };
}

// The null driver with nothing but Node's documented interface: `onread` and `socket.write`.

import { create as createNull } from "./null.mjs";

export const create = (target) => createNull(target, { publicOnly: true });

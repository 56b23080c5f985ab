// Bundled and minified by package.test.ts into a file that runs where there is no node_modules.

import { Connection } from "mahout";
import { App, InMemoryConnector } from "mahout/queue";

const app = new App({ connector: new InMemoryConnector() });
const task = app.task({ name: "task" }, () => {});
const connection = Connection.connect(process.argv[2]);
const { how } = connection.execute("select 'bundled' as how").fetchOne();
connection.close();
console.log(JSON.stringify({ how, job: task.deferSync() }));

// Bundled and minified by package.test.ts into a file that runs where there is no node_modules.

import { Connection } from "mahout";

const connection = Connection.connect(process.argv[2]);
console.log(JSON.stringify(connection.execute("select 'bundled' as how").fetchOne()));
connection.close();

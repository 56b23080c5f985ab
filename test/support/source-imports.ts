// What a TypeScript source says about its surroundings: the modules it imports, and the names and
// constructs it uses. Read from the syntax tree, so comments and strings don't count.

import { parseSync } from "@swc/core";

/** One mention of another module. */
export interface Import {
  readonly specifier: string;
  /** True when nothing of it is left after compilation. */
  readonly typeOnly: boolean;
}

/** What was found in a source text. */
export interface SourceFacts {
  readonly imports: readonly Import[];
  /** Identifiers that are used or declared, property names excluded. */
  readonly names: ReadonlySet<string>;
  /** Whether anything is async or awaits. */
  readonly asynchronous: boolean;
  /** Kinds of the statements at the top level. */
  readonly statements: readonly string[];
}

interface SyntaxNode {
  readonly type?: string;
  readonly [key: string]: unknown;
}

interface Literal {
  readonly value: string;
}

function isTypeOnly(node: SyntaxNode): boolean {
  if (node["typeOnly"] === true || node["isTypeOnly"] === true) return true;
  const specifiers = (node["specifiers"] ?? []) as SyntaxNode[];
  return specifiers.length > 0 && specifiers.every((one) => one["isTypeOnly"] === true);
}

function isModuleCall(callee: SyntaxNode): boolean {
  return (
    callee.type === "Import" || (callee.type === "Identifier" && callee["value"] === "require")
  );
}

function importOf(node: SyntaxNode): Import | undefined {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration": {
      const source = node["source"] as Literal | null;
      return source ? { specifier: source.value, typeOnly: isTypeOnly(node) } : undefined;
    }
    case "TsExternalModuleReference":
      return { specifier: (node["expression"] as Literal).value, typeOnly: false };
    case "TsImportType":
      return { specifier: (node["argument"] as Literal).value, typeOnly: true };
    case "CallExpression": {
      if (!isModuleCall(node["callee"] as SyntaxNode)) return undefined;
      const [first] = node["arguments"] as { expression: SyntaxNode }[];
      if (first?.expression.type !== "StringLiteral") {
        return { specifier: "(computed)", typeOnly: false };
      }
      return { specifier: String(first.expression["value"]), typeOnly: false };
    }
    default:
      return undefined;
  }
}

function isAsynchronous(node: SyntaxNode): boolean {
  if (node.type === "AwaitExpression" || node["async"] === true) return true;
  return node.type === "ForOfStatement" && node["await"] === true;
}

/** Reads one source text. */
export function readSource(text: string): SourceFacts {
  const program = parseSync(text, { syntax: "typescript", target: "es2022" });
  const imports: Import[] = [];
  const names = new Set<string>();
  let asynchronous = false;
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const one of value) visit(one);
    } else if (typeof value === "object" && value !== null) {
      const node = value as SyntaxNode;
      const found = importOf(node);
      if (found) imports.push(found);
      asynchronous ||= isAsynchronous(node);
      // The parser marks references and bindings with this key, and mere property names not.
      if (node.type === "Identifier" && "optional" in node) names.add(String(node["value"]));
      for (const child of Object.values(node)) visit(child);
    }
  };
  visit(program.body);
  return { imports, names, asynchronous, statements: program.body.map(({ type }) => type) };
}

/** ECMAScript 2025: `context.source` is the text that a primitive was written as. */
const parse: (
  text: string,
  reviver: (key: string, value: unknown, context?: { readonly source?: string }) => unknown,
) => unknown = JSON.parse

/**
 * JSON with each number as the text that it was written as: ids of any length and exact amounts.
 * Undefined where it is no JSON.
 */
export function readExactJson(text: string): unknown {
  try {
    return parse(text.replace(/^\ufeff/, ''), (_key, value, context) =>
      typeof value === 'number' ? (context?.source ?? String(value)) : value,
    )
  } catch {
    return undefined
  }
}

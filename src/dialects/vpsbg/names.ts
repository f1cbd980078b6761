import { Type } from 'typebox'
import { invalidField, Refusal } from '../../core/refusal.ts'
import type { ServerReader } from '../../core/servers/server-reader.ts'
import { parseNumber } from '../../lib/ids.ts'

/** Most ids in one request. */
const IDS_MAX = 100

const Name = Type.Unsafe<number | string>({ type: ['integer', 'string'] })

/** Ids within a body: numbers, numbers as text, and public ids where there are some. */
export const Names = Type.Array(Name, {
  minItems: 1,
  maxItems: IDS_MAX,
  description: `1 to ${IDS_MAX} of them`,
  examples: [[3321]],
})

/** `/servers/{id}`: the number or the public id. */
export const NameParams = Type.Object({
  id: Type.String({ description: 'The number or the public id', examples: ['3321'] }),
})

/** A number as a name; undefined for everything else. */
export function numberOf(name: number | string): bigint | undefined {
  return parseNumber(String(name))
}

/**
 * The ids of the account's servers in a body's list, each once. Refuses the field where one is
 * not known; whether a number is, the core tells.
 */
export async function serverIdsOf(
  servers: ServerReader,
  accountId: bigint,
  names: readonly (number | string)[],
): Promise<bigint[]> {
  const ids = new Set<bigint>()
  for (const name of names) {
    const id =
      numberOf(name) ??
      (await refusingField('/server_ids', UNKNOWN_SERVER, async () => {
        return (await servers.one(accountId, String(name))).id
      }))
    ids.add(id)
  }
  return [...ids]
}

/** The ids of orders in a body's list, each once. */
export function orderIdsOf(names: readonly (number | string)[]): bigint[] {
  const ids = names.map((name) => {
    const id = numberOf(name)
    if (id === undefined) throw invalidField('/order_ids', UNKNOWN_ORDER, 'not_found')
    return id
  })
  return [...new Set(ids)]
}

export const UNKNOWN_SERVER = 'contains a server that does not exist'
export const UNKNOWN_ORDER = 'contains an order that does not exist'

/**
 * What `body` does; that an object of a list does not exist is the fault of the field which
 * names it.
 */
export async function refusingField<T>(
  pointer: string,
  detail: string,
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await body()
  } catch (error) {
    const unknown = error instanceof Refusal && error.code === 'not_found'
    throw unknown ? invalidField(pointer, detail, 'not_found') : error
  }
}

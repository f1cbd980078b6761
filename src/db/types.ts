import pg from 'pg'

/**
 * How values leave PostgreSQL: bigint and numeric never as a float. `int8` becomes a bigint, alone
 * and in a list; `numeric` stays a string.
 */
const INT8 = 20
const INT8_LIST = 1016

export const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === INT8) return BigInt
    if (oid === INT8_LIST) return readInt8List
    return pg.types.getTypeParser(oid, format)
  }) as typeof pg.types.getTypeParser,
}

/** `{1,2}`: lists of one dimension and without nulls. */
function readInt8List(text: string): bigint[] {
  return text === '{}' ? [] : text.slice(1, -1).split(',').map(BigInt)
}

import pg from 'pg'

/**
 * How values leave PostgreSQL: bigint and numeric never as a float. `int8` becomes a bigint,
 * `numeric` stays a string.
 */
const INT8 = 20
export const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? BigInt : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from 'typebox'
import { Refusal } from '../../core/refusal.ts'
import { strictObject } from './shapes.ts'
import { validatorCompiler } from './validate.ts'

const Body = strictObject({
  name: Type.String(),
  ids: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 2 })),
})

/** What is wrong with a body, as `pointer code`, in the order in which it is told. */
function wrongIn(body: unknown): string[] {
  const validate = validatorCompiler({ schema: Body, method: '', url: '', httpPart: 'body' })
  const { error } = validate(body) as { error?: unknown }
  if (error === undefined) return []
  assert.ok(error instanceof Refusal)
  assert.equal(error.code, 'invalid_input')
  assert.equal(error.detail, 'The request body failed validation.')
  return error.fields.map(({ pointer, code }) => `${pointer} ${code}`)
}

test('every wrong field is named with a code that programs know', () => {
  const cases: readonly (readonly [body: unknown, wrong: readonly string[]])[] = [
    [{ name: 'a' }, []],
    [{ name: 'a', ids: ['1', '2'] }, []],
    [{}, ['/name missing_required']],
    [{ name: 1 }, ['/name invalid_type']],
    [{ name: 'a', ids: '1' }, ['/ids invalid_type']],
    [{ name: 'a', ids: [] }, ['/ids invalid_value']],
    [{ name: 'a', ids: ['1', '2', '3'] }, ['/ids too_many_items']],
    [{ name: 'a', ids: ['1', 2] }, ['/ids/1 invalid_type']],
    [{ name: 'a', other: 1 }, ['/other unknown_field']],
    [{ name: 'a', 'a/b~c': 1 }, ['/a~1b~0c unknown_field']],
    [JSON.parse('{"name":"a","__proto__":1}'), ['/__proto__ unknown_field']],
    [{ name: null, ids: null }, ['/name invalid_type', '/ids invalid_type']],
    [[], [' invalid_type']],
    ['text', [' invalid_type']],
  ]
  for (const [body, wrong] of cases) assert.deepEqual(wrongIn(body), wrong, JSON.stringify(body))
})

import { ORDER_IDS_MAX } from '../../core/orders/order-reader.ts'
import { invalidField, Refusal } from '../../core/refusal.ts'
import { isText } from '../../core/text-field.ts'
import type { Fields } from '../../http/form-body.ts'

/**
 * Ids as sent, in `<name>s` or `<name>`, each once: a list in either. Refuses more than 100, and
 * none.
 */
export function askedIds(fields: Fields, name: 'order' | 'refill'): string[] {
  const many = `${name}s`
  const list = fields[many]?.trim() || fields[name]?.trim() || ''
  const ids = list
    .split(',')
    .map((id) => id.trim())
    .filter((id) => id !== '')
  if (ids.length === 0) throw invalidField(`/${many}`, `${many} is required`, 'missing_required')
  // The ids are kept with the answer for repeats, and PostgreSQL keeps only what is text.
  if (!isText(list)) {
    throw invalidField(`/${many}`, `${many} contains a character that is not text`)
  }
  if (ids.length > ORDER_IDS_MAX) {
    throw new Refusal('too_many_ids', { detail: `${many} has more than ${ORDER_IDS_MAX} ids` })
  }
  return [...new Set(ids)]
}

/** The one id in `<name>`; undefined where several were asked for, in whichever field. */
export function askedAlone(fields: Fields, name: 'order' | 'refill'): string | undefined {
  const one = fields[name]?.trim() ?? ''
  if (fields[`${name}s`] || one.includes(',')) return undefined
  if (one === '') throw invalidField(`/${name}`, `${name} is required`, 'missing_required')
  return one
}

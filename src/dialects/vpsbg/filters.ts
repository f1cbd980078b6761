import { Type } from 'typebox'
import { invalidField } from '../../core/refusal.ts'

/** `filter[status]`: one or several of `choices`, divided by commas. */
export function filterText(choices: readonly string[], otherwise: readonly string[]) {
  return Type.Optional(
    Type.String({
      description: `One or several of ${choices.map((name) => `\`${name}\``).join(', ')}, divided by commas`,
      default: otherwise.join(','),
    }),
  )
}

/** The choices that a filter names; undefined where it is absent or empty. Others are refused. */
export function chosenOf<const T extends string>(
  text: string | undefined,
  name: string,
  choices: readonly T[],
): T[] | undefined {
  const asked = (text ?? '').split(',').map((part) => part.trim())
  const chosen = choices.filter((choice) => asked.includes(choice))
  if (asked.every((part) => part === '')) return undefined
  if (asked.some((part) => !choices.some((choice) => choice === part))) {
    throw invalidField(`/filter[${name}]`, `must be one or several of: ${choices.join(', ')}`)
  }
  return chosen
}

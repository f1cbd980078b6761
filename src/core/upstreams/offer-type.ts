import { SERVICE_TYPES, type ServiceType } from '../catalogue/service-type.ts'

const letters = (text: string) => text.toLowerCase().replace(/[^a-z]/g, '')

const BY_LETTERS = new Map<string, ServiceType>(SERVICE_TYPES.map((type) => [letters(type), type]))
/** What some panels call them. */
const OTHER_NAMES: Readonly<Record<string, ServiceType>> = {
  mentionuserfollowers: 'Mentions User Followers',
  userfollowers: 'Mentions User Followers',
  medialikers: 'Mentions Media Likers',
  subscription: 'Subscriptions',
  invitesfromgroup: 'Invites from Groups',
}

/** The type as Purser names it; undefined where it has none like it. */
export function offerType(text: string): ServiceType | undefined {
  return BY_LETTERS.get(letters(text)) ?? OTHER_NAMES[letters(text)]
}

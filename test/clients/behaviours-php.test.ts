import { testBehaviours } from './client-behaviours.ts'
import { phpClient } from './php-client.ts'

testBehaviours(phpClient)

import { testBehaviours } from './client-behaviours.ts'
import { pythonClient } from './python-client.ts'

testBehaviours(pythonClient)

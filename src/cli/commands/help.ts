import { EXIT } from '../../errors.ts'
import { defineCommand } from '../command.ts'
import { COMMANDS } from '../commands.ts'
import { loadListed, unknownCommand } from '../dispatch.ts'
import { isGroup, renderCommandHelp, renderOverview } from '../help.ts'
import { renderManPage } from '../man-page.ts'

export const help = defineCommand({
  name: 'help',
  summary: 'Explain git-signet or one of its commands',
  operands: '[COMMAND]',
  operandCount: { max: 2 },
  examples: ['git-signet help setup'],
  options: {
    man: { type: 'boolean', summary: 'print the manual page that is shipped, as roff' },
  },
  async run(context, { options, positionals }) {
    const { stdout } = context.streams
    if (options.man) {
      stdout.write(renderManPage(await loadListed(COMMANDS)))
      return EXIT.ok
    }
    const [word, member] = positionals
    if (word === undefined) {
      stdout.write(renderOverview(await loadListed(COMMANDS)))
      return EXIT.ok
    }
    const entry = COMMANDS.find(({ name }) => name === word)
    if (!entry) throw unknownCommand(word, COMMANDS)
    const command = await entry.load()
    if (member === undefined) {
      stdout.write(renderCommandHelp(word, command))
      return EXIT.ok
    }
    const members = isGroup(command) ? command.commands : []
    const found = members.find(({ name }) => name === member)
    if (!found) throw unknownCommand(member, members, `${word} `)
    stdout.write(renderCommandHelp(`${word} ${member}`, found))
    return EXIT.ok
  },
})

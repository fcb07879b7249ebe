process.stderr.write('git-signet: error: the program that git calls is not built yet\n')
process.exitCode = 70

import MedullaBase

StandardOutput.failWhereLost()
GPUCheckCommand.main(Array(CommandLine.arguments.dropFirst()))

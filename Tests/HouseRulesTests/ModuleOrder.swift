/// The design's order of modules: an import only ever points to a smaller rank.
enum ModuleOrder {
  static let rank: [String: Int] = [
    "CLibBPF": 0,
    "CMedulla": 0,
    "CCongestion": 0,
    "MedullaModel": 1,
    "MedullaSnapshot": 2,
    "MedullaCodegen": 3,
    "MedullaKernel": 4,
    "MedullaDatapath": 5,
    "MedullaLearning": 6,
    "MedullaAdaptation": 7,
    "MedullaTestbed": 8,
    "MedullaControl": 9,
    "medulla": 10,
    "medullad": 10,
  ]
}

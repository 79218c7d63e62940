#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension Float {
  package static func exponential(_ value: Float) -> Float { expf(value) }
  package var logarithm: Float { logf(self) }
}

extension Double {
  var cubeRoot: Double { cbrt(self) }
}

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension Float {
  static func exponential(_ value: Float) -> Float { expf(value) }
  var logarithm: Float { logf(self) }
}

/// The version of the control protocol.
public enum ControlProtocol {
  public static let version = 1
}

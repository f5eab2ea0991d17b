"""How clients reach the server: one module or package per protocol, all behind `base.Protocol`."""
